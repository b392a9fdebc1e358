//! The three services: one connection each. Pure.
