//! The help text, from which the man page is made as well (`docs/scripts/update-man`).

/// The text of `--help`.
pub const HELP: &str = "\
Client of es-iot-server: data stream, camera settings, authentication, state,
video and configuration.

Usage: es-iot-ctl [OPTIONS] COMMAND

Commands:
  watch [--count N]   print the data stream, one line per packet: time in UTC,
                      value, measured rate. Ends after N packets, on Ctrl-C,
                      or when its output is closed
  get                 print the camera settings, as KEY=VALUE
  set KEY=VALUE ...   change the named settings, leave the others unchanged,
                      and print the server's resulting settings
  auth [--password-file F] [--plain]
                      prompt for the password, or read it from the first line
                      of F (- is standard input), and print the outcome.
                      Without a terminal, read it from standard input. The
                      password is not sent, except with --plain, for servers
                      that only know the old request
  status              print the server's state; exit code 3 if its video does
                      not move
  video [--count N]   watch the video over HTTP. Once a second, print its size,
                      picture rate, bit rate, key picture interval, and longest
                      gap between two pictures. Ends with a summary after N
                      pictures or on Ctrl-C, or when its output is closed
  reload              make the server reread its configuration, and print the
                      changes that need a restart. Works on the device only

status, video and reload use HTTP. Without --host, --http-port and --socket they
use the server's socket, /run/es-iot/http.sock, if it is there, and otherwise
port 8080 of localhost. They don't log in. If the server requires its password,
run auth first, from the same address: its grant also opens HTTP. The socket
needs no password, unless auth.trust_loopback is false.

Options, before or after the command:
      --host H             server name or address (localhost)
      --data-port N        data port (5000)
      --settings-port N    settings port (5001)
      --auth-port N        authentication port (5002)
      --http-port N        HTTP port (8080)
      --socket PATH        the server's HTTP socket, in place of host and port
      --json               print a JSON object; for watch and video, one per
                           line; for status and reload, the server's own
      --timeout SECONDS    limit for connecting to each address (5), and then
                           for each reply of watch and auth (5), for all replies
                           of get or set (25, because the server may delay each
                           read by 10 s for its disk), or for each answer or
                           picture of status, video and reload (20)
  -V, --version            print the version
  -h, --help               print this help

Settings (the protocol carries one byte for each):
  shutter              microseconds, 0 to 25500 in steps of 100; 0 is automatic
  gain                 0 to 255 in steps of 1; 0 is automatic
  awb_red, awb_blue    0 to 25.5 in steps of 0.1; both 0 is automatic
  contrast             0 to 25.5 in steps of 0.1; 1 is unchanged
  brightness           -1 to 1, rounded to the nearest of 256 steps;
                       0 (unchanged) is transmitted as -0.0039

The server's settings file may hold finer or larger values. get shows them as
transmitted: truncated to a step, and clamped to the largest value. set leaves
such a setting unchanged unless the new value differs from the one get shows.

Exit codes: 0 success; 1 the server refused or could not be reached; 2 wrong
usage, including a value that can't be set and a password that can't be read;
3 status: the server's video does not move (standard error has the reason).
If settings are in force but could not be stored, they are printed, and the
exit code is 1.

Examples:
  es-iot-ctl watch --count 24           one second of the data stream
  es-iot-ctl get --json                 the settings, for a program
  es-iot-ctl --host DEVICE auth         on another host: give the password,
                                        which opens the ports to this host;
                                        within a minute:
  es-iot-ctl --host DEVICE set gain=4   change a setting
  es-iot-ctl --host DEVICE status       show the server's state
";
