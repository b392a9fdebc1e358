//! Values that are valid, and of no use with the others: a likely slip, and no error.

use super::{CameraSource, Config};

/// What the configuration sets and does not use, one line each, with what to do.
pub fn warnings(config: &Config) -> Vec<String> {
    let camera = &config.camera;
    let source = camera.source.name();
    let mut warnings = Vec::new();
    if camera.command.is_some() && camera.source != CameraSource::Command {
        warnings.push(format!(
            "camera.command is not used, since camera.source is {source:?}: set that to \"command\", or make the command null"
        ));
    }
    let takes_arguments = matches!(camera.source, CameraSource::Auto | CameraSource::Rpicam);
    if !camera.extra_args.is_empty() && !takes_arguments {
        warnings.push(format!(
            "camera.extra_args is not used, since camera.source is {source:?}: it is for \"auto\" and \"rpicam\""
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CameraConfig;

    #[test]
    fn a_command_and_arguments_are_for_their_sources_only() {
        let sources = [
            (CameraSource::Auto, "command"),
            (CameraSource::Rpicam, "command"),
            (CameraSource::Command, "extra_args"),
            (CameraSource::Test, "command extra_args"),
            (CameraSource::None, "command extra_args"),
        ];
        for (source, unused) in sources {
            let camera = CameraConfig {
                source,
                command: Some(vec!["cam".into()]),
                extra_args: vec!["--verbose".into()],
                ..CameraConfig::default()
            };
            let warnings = warnings(&Config { camera, ..Config::default() });
            let keys: Vec<&str> = warnings.iter().filter_map(|line| line[7..].split(' ').next()).collect();
            assert_eq!(keys.join(" "), unused);
            assert!(warnings.iter().all(|line| line.contains(&format!("{:?}", source.name()))), "{warnings:?}");
        }
        assert!(warnings(&Config::default()).is_empty());
    }
}
