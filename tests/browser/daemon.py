"""A daemon for the checks: its own ports, folder and test camera. It can be stopped, started and lose its camera."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from waiting import RECOVERS_WITHIN_S, eventually

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug"
DAEMON = Path(os.environ.get("ES_IOT_BIN", BUILT / "es-iot-server")).resolve()
CONTROL = DAEMON.with_name("es-iot-ctl")

PASSWORD = "correct horse, battery: staple"


def free_ports(count):
    """Returns ports that were free a moment ago."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


class Daemon:
    """A running daemon. It and its files are gone after `close`."""

    def __init__(self, camera=None, auth=None):
        self.folder = Path(tempfile.mkdtemp(prefix="es-iot-daemon-"))
        # Fixed, since a daemon that is started again must be found where it was.
        self.data, self.settings, self.auth, self.video, self.http = free_ports(5)
        self.url = f"http://127.0.0.1:{self.http}/"
        self.configuration = {
            "server": {
                "host": "127.0.0.1", "data_port": self.data, "settings_port": self.settings, "auth_port": self.auth,
                "rtsp_port": self.video, "http_port": self.http, "http_socket": str(self.folder / "http.sock"),
            },
            "data": {},
            "camera": {"source": "test", **(camera or {})},
            "auth": {"trust_loopback": True, "password": PASSWORD, **(auth or {})},
            "paths": {"state_dir": str(self.folder / "state")},
            "logging": {"target": "console"},
        }
        (self.folder / "state").mkdir()
        self.file = self.folder / "config.json"
        # The daemon refuses a password that others can read.
        self.file.touch(0o600)
        self.configure()
        self.process = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def configure(self):
        """Writes the configuration."""
        self.file.write_text(json.dumps(self.configuration))

    def start(self):
        """Starts the daemon and waits until it listens."""
        with (self.folder / "log").open("ab") as log:
            command = [str(DAEMON), "--config", str(self.file)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._listens, "the daemon listens", RECOVERS_WITHIN_S)

    def _listens(self):
        assert self.process.poll() is None, f"the daemon ended:\n{self.log()}"
        try:
            socket.create_connection(("127.0.0.1", self.http)).close()
            return True
        except ConnectionRefusedError:
            return False

    def stop(self):
        """Stops the daemon, and its camera with it."""
        self.process.terminate()
        self.process.wait(RECOVERS_WITHIN_S)

    def close(self):
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                # The kernel ends the camera with it.
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return (self.folder / "log").read_text()

    def camera(self):
        """Returns the camera's process id, or None."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            try:
                if Path(f"/proc/{child}/comm").read_text() == "es-iot-testcam\n":
                    return int(child)
            except OSError:
                pass  # it just ended
        return None

    def kill_camera(self):
        """Kills the camera, if there is one now."""
        if camera := self.camera():
            os.kill(camera, signal.SIGKILL)

    def status(self):
        """Returns `/api/status`."""
        with urllib.request.urlopen(self.url + "api/status", timeout=RECOVERS_WITHIN_S) as reply:
            return json.load(reply)

    def reload(self, section, key, value):
        """Changes a key of the configuration, and has the daemon read it again."""
        self.configuration[section][key] = value
        self.configure()
        self.process.send_signal(signal.SIGHUP)

    def control(self, *arguments):
        """Runs `es-iot-ctl` and returns what it prints."""
        ports = ["--data-port", self.data, "--settings-port", self.settings, "--auth-port", self.auth]
        command = [str(word) for word in (CONTROL, "--host", "127.0.0.1", *ports, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RECOVERS_WITHIN_S)
        assert done.returncode == 0, f"es-iot-ctl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def setting(self, key):
        """Returns a setting as port 5001 reports it."""
        return json.loads(self.control("get", "--json"))[key]

    def stored(self):
        """Returns the settings on the disk."""
        try:
            return json.loads((self.folder / "state" / "camera_settings.json").read_text())
        except FileNotFoundError:
            return {}
