//! The three services: what a connection's bytes mean, and who may speak. Pure.
//!
//! Each conversation takes bytes and yields steps; `server` carries them out, since a step of one connection may
//! concern the camera, the settings file or another connection.

pub mod access;
pub mod auth;
pub mod data;
pub mod requests;
pub mod rtsp;
pub mod settings;
