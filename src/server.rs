//! Composes services and camera.
