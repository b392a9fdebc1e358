#!/bin/sh
# Demonstrates the server on this machine, as an ordinary user. Builds it and starts it with config/demo.json, which replaces
# the camera by a moving test picture. If no RTSP server listens on port 8554, starts an ffmpeg in its place. Ctrl-C stops
# everything.
#
# Needs a Rust toolchain with a linker, and ffmpeg; installs nothing, and writes only to target/.

set -u
cd "$(dirname "$0")/.." || exit 1

BINARIES="${CARGO_TARGET_DIR:-target}/release"
STATE=target/demo
PICTURE=$STATE/picture.jpg
URL=rtsp://127.0.0.1:8554/ES_MTX

fail() {
	echo "demo: $1" >&2
	exit 1
}

command -v cargo >/dev/null || fail "cargo not found: install a Rust toolchain, 1.94 or newer, from https://rustup.rs"
command -v cc >/dev/null || fail "cc not found, which cargo needs as a linker: sudo apt-get install gcc"
command -v ffmpeg >/dev/null || fail "ffmpeg not found: sudo apt-get install ffmpeg"

# Whether a server listens on this TCP port; in /proc/net/tcp, 0A is LISTEN (proc(5)). A connection attempt would look like a
# client, or a publisher.
listens() {
	grep -qs "$(printf ':%04X [0-9A-F]*:0000 0A ' "$1")" /proc/net/tcp /proc/net/tcp6
}

rtsp_server_listens() {
	listens 8554
}

# A second server could not start, and this script would delete the files of the first.
check_ports() {
	for port in "${DATA_PORT:-5000}" "${SETTINGS_PORT:-5001}" "${AUTH_PORT:-5002}"; do
		! listens "$port" || fail "port $port is in use, perhaps by another demonstration: stop that program first"
	done
}

# One publisher after another: ffmpeg accepts one, and exits with it. It decodes the video and saves one picture per second.
receive() {
	trap 'kill "$!" 2>/dev/null; exit' TERM
	while :; do
		ffmpeg -hide_banner -loglevel error -nostdin -rtsp_flags listen -i "$URL" \
			-vf fps=1 -update 1 -atomic_writing 1 -y "$PICTURE" 2>>"$STATE/receiver.log" &
		wait "$!"
		# Pause: without it, a failing ffmpeg would be restarted in a tight loop.
		sleep 0.2 &
		wait "$!"
	done
}

receiver=
daemon=
stop() {
	trap '' INT TERM HUP
	# Each process stops its own children.
	for child in $daemon $receiver; do
		kill "$child" 2>/dev/null
	done
	wait
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM
trap 'stop; exit 129' HUP

check_ports
echo "Building; the first build takes a few minutes on a Pi."
cargo build --release --locked || fail "the build failed"
check_ports

mkdir -p "$STATE" || fail "cannot create $STATE"
rm -f "$PICTURE" "$STATE/receiver.log"
if rtsp_server_listens; then
	echo "An RTSP server listens on port 8554: the video goes there."
else
	receive &
	receiver=$!
	tries=50
	until rtsp_server_listens; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || {
			cat "$STATE/receiver.log" >&2
			stop
			fail "the RTSP receiver did not start"
		}
		sleep 0.1
	done
fi

"$BINARIES/es-iot-server" --config config/demo.json &
daemon=$!

# Allows for a slow machine, and detects a daemon that could not start.
tries=60
while [ -n "$receiver" ] && [ ! -e "$PICTURE" ] && kill -0 "$daemon" 2>/dev/null && [ "$tries" -gt 0 ]; do
	tries=$((tries - 1))
	sleep 0.5
done

if kill -0 "$daemon" 2>/dev/null; then
	echo
	if [ -z "$receiver" ]; then
		echo "The server is up. Watch the video with:  ffplay -rtsp_transport tcp $URL"
	elif [ -e "$PICTURE" ]; then
		echo "The server is up, and its video arrives. The latest picture, updated once a second:"
		echo "  $PICTURE"
	else
		echo "The server is up, but no picture has arrived. See the log above."
	fi
	cat <<-END

		In another terminal:
		  $BINARIES/es-iot-ctl watch               the data stream, 24 packets a second
		  $BINARIES/es-iot-ctl get                 the camera settings
		  $BINARIES/es-iot-ctl set brightness=0.3  change one: the picture changes, the video continues
		  $BINARIES/es-iot-ctl auth --password-file $STATE/auth_password

		Ctrl-C stops everything.

	END
fi
wait "$daemon"
code=$?
stop
exit "$code"
