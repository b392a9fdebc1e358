//! Warnings about valid values that have no effect: a likely mistake, but not an error.

use super::{CameraSource, Config};

/// A line for each setting that has no effect, with the reason and the fix.
pub fn warnings(config: &Config) -> Vec<String> {
    let camera = &config.camera;
    let source = camera.source.name();
    let mut warnings = Vec::new();
    if camera.command.is_some() && camera.source != CameraSource::Command {
        warnings.push(format!(
            "camera.command is ignored because camera.source is {source:?}: set camera.source to \"command\" or \
             camera.command to null"
        ));
    }
    let takes_arguments = matches!(camera.source, CameraSource::Auto | CameraSource::Rpicam);
    if !camera.extra_args.is_empty() && !takes_arguments {
        warnings.push(format!(
            "camera.extra_args is ignored because camera.source is {source:?}: set camera.source to \"auto\" or \
             \"rpicam\", or camera.extra_args to []"
        ));
    }
    if camera.publisher.is_some() && camera.rtsp_url.is_none() {
        warnings.push(
            "camera.publisher is ignored because camera.rtsp_url is null: set camera.rtsp_url to where it publishes, or \
             camera.publisher to null"
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CameraConfig;

    #[test]
    fn a_command_or_arguments_without_their_source_get_a_warning() {
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
        let publisher = Some(vec!["push".into(), "{rtsp_url}".into()]);
        let mut config = Config { camera: CameraConfig { publisher, ..CameraConfig::default() }, ..Config::default() };
        assert!(warnings(&config)[0].starts_with("camera.publisher is ignored"), "{:?}", warnings(&config));
        config.camera.rtsp_url = Some("rtsp://h/x".into());
        assert!(warnings(&config).is_empty());
        assert!(warnings(&Config::default()).is_empty());
    }
}
