//! The test camera: the daemon's own program as the camera of the source `test`.
//!
//! It is a child like any camera program: it writes H.264 to standard output until that is closed or a signal ends it. It
//! reads no configuration and opens no log; errors go to standard error, where the daemon reads them.
//!
//! Not here: what it draws (`media::draw`) and its arguments (`camera::test_picture`).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::StartError;
use crate::camera::test_picture::TestPicture;
use crate::media::draw::{Format, TestCamera};
use crate::service::data::Schedule;
use crate::sys::signalfd::Signal;
use crate::sys::{clock, process};

/// Draws pictures at their rate and writes them to standard output, each with one `write(2)`, until that is closed.
///
/// The schedule is absolute, so the rate is exact over any span. A picture that is late is drawn as soon as possible, and
/// those missed meanwhile are skipped: there is never a burst.
///
/// # Errors
///
/// [`StartError::TestCamera`] if the size or the rate can't be drawn, or [`StartError::Internal`] if standard output can't
/// be written to.
pub fn test_camera(picture: &TestPicture) -> Result<(), StartError> {
    let TestPicture { width, height, framerate, intra, ref settings } = *picture;
    let format = Format::new(width, height, framerate).map_err(|error| StartError::TestCamera(error.to_string()))?;
    identify().map_err(StartError::internal("preparing the test camera"))?;
    let mut output = unbuffered_output().map_err(StartError::internal("opening standard output"))?;

    let mut camera = TestCamera::new(format, intra);
    let mut schedule = Schedule::with_rate(clock::mono(), framerate.into());
    let mut bytes = Vec::new();
    loop {
        clock::sleep_until(schedule.due()).map_err(StartError::internal("waiting for the next picture"))?;
        let now = clock::now();
        schedule.advance(now.mono);
        bytes.clear();
        camera.picture(now.mono.as_nanos() / 1_000_000, now.unix_ms, settings, &mut bytes);
        match output.write_all(&bytes) {
            Ok(()) => {}
            // Its reader is gone: no error of a camera.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(StartError::Internal { doing: "writing a picture to standard output", error }),
        }
    }
}

/// Makes this process distinguishable from the daemon, whose program it shares. Some tools find processes by their program,
/// such as `pidof`, so the two signals with which people ask the daemon for something must not end the camera.
fn identify() -> io::Result<()> {
    process::set_name(c"es-iot-testcam")?;
    process::ignore(Signal::SIGHUP)?;
    process::ignore(Signal::SIGUSR1)
}

/// Standard output without the standard library's buffer, which would write a picture in parts, one for each newline byte.
fn unbuffered_output() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}
