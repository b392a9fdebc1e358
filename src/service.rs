//! The services: what a connection's bytes mean, and which peers may use them. Pure.
//!
//! Bytes come in and steps go out; `server` carries them out, since a step of one connection may concern the camera, the
//! settings file or another connection.

pub mod access;
pub mod auth;
pub mod data;
pub mod http;
pub mod network;
pub mod requests;
pub mod rtsp;
pub mod scram;
pub mod settings;
pub mod status;
