"""The command line: a wrong option gives a message before anything is loaded."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

import mlpviz
from mlpviz import __main__ as command
from mlpviz.options import CLASS, DATA, FRAMES, LESSONS, STORE, THREADS

VARIABLES = (command.PORT, command.ADDRESS, command.OPEN, DATA, LESSONS, THREADS, FRAMES, STORE, CLASS)


@pytest.fixture
def served(monkeypatch):
    """The configuration with which the page would be served; nothing is served."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is restored afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(command, "_check_free", lambda address, port: None)
    found = {}
    monkeypatch.setattr(command, "_serve", found.update)
    return found


def test_plain_mlpviz_serves_the_page_to_this_machine(served, monkeypatch):
    monkeypatch.setattr(command, "_opens", lambda text: False)
    command.main([])
    assert served == {"server.port": 8501, "server.address": "localhost", "server.headless": True}


def test_a_class_is_served_to_the_network_unless_an_address_is_given(served):
    command.main(["--class", "--port", "9000"])
    assert served["server.address"] == "0.0.0.0" and os.environ[CLASS] == "1"
    command.main(["--class", "--address", "localhost", "--port", "9000"])
    assert served["server.address"] == "localhost"


def test_an_option_is_used_before_its_variable(served, monkeypatch, tmp_path):
    for name, value in {command.PORT: "9000", command.ADDRESS: "0.0.0.0", command.OPEN: "0", THREADS: "3"}.items():
        monkeypatch.setenv(name, value)
    command.main([])
    assert served == {"server.port": 9000, "server.address": "0.0.0.0", "server.headless": True}
    assert os.environ[THREADS] == "3"
    given = ["--port", "9001", "--address", "localhost", "--open", "--threads", "2", "--frames", "https://a.example"]
    command.main([*given, "--data", str(tmp_path), "--lessons", str(tmp_path)])
    assert served == {"server.port": 9001, "server.address": "localhost", "server.headless": False}
    assert (os.environ[THREADS], os.environ[FRAMES]) == ("2", "https://a.example")
    assert os.environ[DATA] == os.environ[LESSONS] == str(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "abc"], "The port is 'abc'. It must be a whole number from 1 to 65535."),
        (["--port", "65536"], "1 to 65535"),
        (["--threads", "0"], "MLPVIZ_THREADS) is '0'. It must be a whole number"),
        (["--lessons", "nowhere"], "The folder 'nowhere' (from --lessons or MLPVIZ_LESSONS) does not exist."),
        (["--data", "nowhere"], "The folder 'nowhere' (from --data or MLPVIZ_DATA) does not exist."),
        (["--frames", "'none'"], "such as https://course.example.org"),
        (["--store", "/proc/no/where"], "can’t be written"),
        (["--store", "README.md"], "is no file of mlpviz"),
        (["--store", "/"], "is a folder"),
        (["--speed", "9"], "unrecognized arguments"),
        (["stay"], "unrecognized arguments: stay"),
    ],
)
def test_a_wrong_option_gives_a_message(served, capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and served == {}
    assert said in error and error.startswith("mlpviz: ") and error.count("\n") == 2 and "Traceback" not in error


def test_a_port_in_use_gives_a_message_with_another_port(capsys, monkeypatch):
    monkeypatch.setattr(command, "_serve", lambda config: pytest.fail("the port is taken"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            command.main(["--port", str(port), "--address", "127.0.0.1"])
    assert f"Port {port} is already in use. Try another one: --port {port + 1}." in capsys.readouterr().err
    for name in ("nowhere.invalid", "..x", "x" * 70):
        with pytest.raises(SystemExit):
            command.main(["--address", name])
        assert f"no network address '{name[:40]}'" in capsys.readouterr().err


def test_the_port_is_checked_at_the_address_of_the_page(monkeypatch):
    """Streamlit's server uses IPv4 for a name, even if localhost has an IPv6 address first."""
    asked = []

    def resolve(address, port, family=0, kind=0):
        asked.append(family)
        return [(family, kind, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(command.socket, "getaddrinfo", resolve)
    command._check_free("localhost", 8501)
    assert asked == [socket.AF_INET]


def test_the_help_and_the_version_need_no_torch(tmp_path):
    program = (
        "import sys, mlpviz.__main__ as m\n"
        "try: m.main([sys.argv[1]])\n"
        "except SystemExit: print('torch' in sys.modules, 'streamlit' in sys.modules)"
    )
    for option, said in (("--help", "--lessons FOLDER"), ("--version", f"mlpviz {mlpviz.__version__}")):
        done = subprocess.run([sys.executable, "-c", program, option], capture_output=True, text=True, check=True)
        assert said in done.stdout and done.stdout.endswith("False False\n")


def test_the_library_has_all_the_names_that_it_lists():
    for name in mlpviz.__all__:
        assert getattr(mlpviz, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mlpviz.nothing  # noqa: B018


def test_streamlit_knows_all_options_of_the_project():
    from streamlit import config

    settled = command.settled_config()
    assert settled["theme.light.primaryColor"].startswith("#") and settled["server.maxUploadSize"] == 20
    assert set(settled) <= set(config._config_options_template)
