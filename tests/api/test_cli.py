# SPDX-License-Identifier: MIT
"""The command line: serve, key, user, backup, doctor, config, version."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import httpx
import pytest

import databases
import langdock
import sage
import server as servers
from fake_llm import Hang


def test_version_and_help():
    shown = servers.run("version")
    assert shown.returncode == 0 and re.search(r"\d+\.\d+\.\d+", shown.stdout)
    helped = servers.run("help")
    assert helped.returncode == 0
    for command in ("serve", "user", "key", "backup", "doctor", "version"):
        assert command in helped.stdout


def test_an_unknown_command_or_option():
    for args in (["frobnicate"], ["serve", "--frobnicate"], []):
        made = servers.run(*args)
        assert made.returncode != 0 and (made.stderr or made.stdout)


# --------------------------------------------------------------------------------------------------------------- serve


def test_serve_says_when_it_is_ready_and_stops_cleanly(start_server):
    running = start_server()
    lines = [line for line in running.log().splitlines() if "listening on" in line]
    assert len(lines) == 1 and f"listening on http://127.0.0.1:{running.port}" in lines[0]
    assert running.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_stop_it(start_server, number):
    running = start_server()
    running.process.send_signal(number)
    assert running.process.wait(20) == 0
    running.process = None


def test_the_data_directory_is_made_and_private(start_server, tmp_path):
    data = tmp_path / "data"
    start_server(data=data)
    assert data.is_dir()
    for folder, _, names in os.walk(data):
        for name in names:
            mode = os.stat(os.path.join(folder, name)).st_mode
            assert mode & 0o007 == 0, f"{name} can be read by everybody"


def test_a_random_password_is_printed_once(tmp_path):
    running = servers.Server(tmp_path / "d", env={"SLUICE_ADMIN_USERNAME": "", "SLUICE_ADMIN_PASSWORD": ""}).start()
    try:
        log = running.log()
        found = re.search(r"password[^A-Za-z0-9]+([A-Za-z0-9_-]{12,})", log)
        assert found, log
        name = re.search(r"(?:user|login|admin\w*|username)[^A-Za-z0-9]+([A-Za-z0-9_.@-]+)", log)
        assert running.login(name.group(1) if name else "admin", found.group(1)).get("/api/agent/list").status_code == 200
        assert running.stop() == 0
    finally:
        running.kill()
    again = servers.Server(tmp_path / "d", env={"SLUICE_ADMIN_USERNAME": "", "SLUICE_ADMIN_PASSWORD": ""}).start()
    try:
        assert found.group(1) not in again.log()
        assert again.stop() == 0
    finally:
        again.kill()


def test_the_sage_spellings_of_the_first_admin(tmp_path):
    env = {"SLUICE_ADMIN_USERNAME": "", "SLUICE_ADMIN_PASSWORD": ""}
    env |= {"SAGE_BOOTSTRAP_ADMIN_USERNAME": "boss", "SAGE_BOOTSTRAP_ADMIN_PASSWORD": "a good password 1"}
    running = servers.Server(tmp_path / "d", env=env).start()
    try:
        assert running.login("boss", "a good password 1").get("/api/agent/list").status_code == 200
        assert running.stop() == 0
    finally:
        running.kill()


def test_a_second_server_on_the_same_data_is_refused_and_harms_nothing(start_server):
    running = start_server()
    upload = os.path.join(running.data, "objects", "staged", "half-an-upload")
    with open(upload, "w"):
        pass
    made = servers.run("serve", "--data", running.data, "--listen", "127.0.0.1:0", timeout=20)
    assert made.returncode == 1 and "another server" in made.stderr, made.stderr
    assert os.path.exists(upload) and running.alive()
    running.kill()
    start_server(data=running.data)


def test_the_server_takes_as_many_descriptors_as_it_may(start_server):
    running = start_server(launcher=["prlimit", "--nofile=256:5000"])
    with open(f"/proc/{running.process.pid}/limits") as f:
        assert next(line.split()[3:5] for line in f if line.startswith("Max open files")) == ["5000", "5000"]


def test_standard_streams_that_are_closed_are_not_reused(start_server):
    running = start_server(launcher=["sh", "-c", 'exec "$@" <&- 2>&-', "sh"])
    for number in (0, 2):
        assert os.readlink(f"/proc/{running.process.pid}/fd/{number}") == "/dev/null"


def test_a_taken_address_is_said_clearly(server, tmp_path):
    made = servers.run("serve", "--data", tmp_path / "d", "--listen", f"127.0.0.1:{server.port}")
    assert made.returncode != 0 and str(server.port) in made.stderr + made.stdout


def limit_of_files(running):
    with open(f"/proc/{running.process.pid}/limits", encoding="ascii") as f:
        return next(line.split()[3:5] for line in f if line.startswith("Max open files"))


def test_the_server_allows_itself_the_descriptors_it_may_need(start_server):
    limits = {4000: "2256", 1500: "1500"}  # what the system lets it have: what it takes for 1000 connections
    for most, taken in limits.items():
        running = start_server(args=["--http.max_connections=1000"], launcher=["prlimit", f"--nofile=300:{most}"])
        assert limit_of_files(running) == [taken, str(most)]


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1", "999.1.1.1:80"])
def test_a_senseless_address_is_said_clearly(tmp_path, listen):
    made = servers.run("serve", "--data", tmp_path / "d", "--listen", listen)
    assert made.returncode != 0 and listen in made.stderr + made.stdout


@databases.sqlite_only
def test_a_newer_database_is_refused(start_server):
    running = start_server()
    assert running.stop() == 0
    databases = [os.path.join(d, n) for d, _, names in os.walk(running.data) for n in names if n.endswith(".db")]
    assert databases, os.listdir(running.data)
    changed = False
    with sqlite3.connect(databases[0]) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            if "migration" in table or "schema" in table:
                (column,) = [r[1] for r in db.execute(f"PRAGMA table_info({table})") if r[1] in ("version", "number", "id")][:1]
                db.execute(f"UPDATE {table} SET {column} = 999999 WHERE {column} = (SELECT max({column}) FROM {table})")
                changed = True
        if not changed:
            db.execute("PRAGMA user_version = 999999")
    made = servers.run("serve", "--data", running.data, "--listen", "127.0.0.1:0", timeout=20)
    assert made.returncode != 0 and "newer" in (made.stderr + made.stdout).lower()


@databases.sqlite_only
def test_a_database_that_is_no_database_is_refused(tmp_path):
    data = tmp_path / "d"
    data.mkdir()
    (data / "sluice.db").write_bytes(b"this is no database" * 500)
    made = servers.run("serve", "--data", data, "--listen", "127.0.0.1:0", timeout=20)
    assert made.returncode != 0 and (made.stderr + made.stdout).strip()


def test_the_start_is_quick(start_server):
    first = start_server()
    assert first.stop() == 0
    for _ in range(3):  # others may want the machine meanwhile
        again = start_server(data=first.data)
        if again.started_in < 5:
            return
        assert again.stop() == 0
    raise AssertionError(f"{again.started_in:.1f} s, with sanitizers; the figure itself is the benchmark's")


# ----------------------------------------------------------------------------------------------------------------- keys


def test_a_key_works_at_once_while_the_server_runs(server, key):
    made = key("sage", name="laptop")
    assert len(made) >= 32
    assert server.client(token=made).get("/api/agent/list").status_code == 200


def test_keys_that_cannot_be_made(server):
    base = ["key", "create", "--data", server.data]
    for args in (
        [*base, "--user", "nobody-here", "--name", "x", "--scope", "sage"],
        [*base, "--user", servers.ADMIN, "--name", "x", "--scope", "fly"],
        [*base, "--user", servers.ADMIN, "--name", "x"],
        ["key", "create", "--user", servers.ADMIN, "--name", "x", "--scope", "sage", "--data", "/nonexistent/dir"],
    ):
        made = servers.run(*args)
        assert made.returncode != 0 and made.stderr.strip(), args


@databases.sqlite_only
@pytest.mark.parametrize("args", [["user", "list"], ["key", "list"], ["user", "create", "bob"], ["backup", "x.db"]])
def test_a_data_directory_that_is_not_there_is_named_and_not_made(tmp_path, args):
    made = servers.run(*args, "--data", tmp_path / "none")
    assert made.returncode == 1 and f"there is no data directory {tmp_path}/none: name another with --data" in made.stderr
    assert list(tmp_path.iterdir()) == []


def test_keys_are_stored_as_hashes(start_server):
    from fixtures import create_key

    running = start_server()
    made = create_key(running, "sage")
    assert running.stop() == 0
    for folder, _, names in os.walk(running.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            assert made.encode() not in data and servers.PASSWORD.encode() not in data, name


def test_provider_keys_are_sealed(start_server, fake_llm):
    running = start_server()
    sage.provider(running.login(), fake_llm, api_keys=["sk-find-me-in-the-file-1"])
    assert running.stop() == 0
    for folder, _, names in os.walk(running.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                assert b"sk-find-me-in-the-file-1" not in f.read(), name


# --------------------------------------------------------------------------------------------------------------- backup


@databases.sqlite_only
def test_a_backup_of_a_running_server_can_be_served(start_server, tmp_path):
    running = start_server()
    admin = running.login()
    kept = sage.agent(admin)
    desk = langdock.Desk(langdock.client(running))
    icon = b"\x89PNG\r\n\x1a\n" + bytes(64)
    assert desk.client.put(f"{desk.url}/icon", files={"icon": ("i.png", icon, "image/png")}).status_code == 200
    target = tmp_path / "backup.db"
    made = servers.run("backup", "--data", running.data, target)
    assert made.returncode == 0, made.stderr
    assert f"{target}.objects with 1 files" in made.stdout
    assert os.stat(target).st_mode & 0o077 == 0
    with sqlite3.connect(target) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sage.full(admin.get(f"/api/agent/{kept}"))["id"] == kept
    assert running.stop() == 0
    restored = tmp_path / "restored"
    restored.mkdir()
    (restored / "sluice.db").write_bytes(target.read_bytes())
    for name in os.listdir(running.data):
        if "key" in name or "secret" in name:
            source = os.path.join(running.data, name)
            if os.path.isfile(source):
                with open(source, "rb") as f:
                    (restored / name).write_bytes(f.read())
                os.chmod(restored / name, 0o600)
    shutil.copytree(f"{target}.objects", restored / "objects")
    again = start_server(data=restored)
    assert sage.full(again.login().get(f"/api/agent/{kept}"))["id"] == kept
    assert again.client().get(f"{desk.url}/icon/raw").content == icon


def test_a_backup_does_not_overwrite_silently_or_half(server, tmp_path):
    made = servers.run("backup", "--data", server.data, "/nonexistent/dir/backup.db")
    assert made.returncode != 0 and made.stderr.strip()


@databases.sqlite_only
def test_a_backup_that_cannot_copy_the_files_of_users_says_so(server, tmp_path):
    langdock.Desk(langdock.client(server)).client.post("/attachment/v1/upload", files={"file": ("a.txt", b"a")})
    (tmp_path / "b.db.objects").mkdir()
    made = servers.run("backup", "--data", server.data, tmp_path / "b.db")
    assert made.returncode != 0 and "files of users were not copied" in made.stderr


# --------------------------------------------------------------------------------------------------------------- doctor


def test_doctor_looks_at_everything(start_server):
    running = start_server()
    shown = servers.run("doctor", "--data", running.data, timeout=60, env=running.env)
    text = (shown.stdout + shown.stderr).lower()
    for word in ("database", "model", "sandbox"):
        assert word in text, text
    assert shown.returncode in (0, 1)


def test_doctor_says_how_to_mend_what_is_wrong(start_server):
    running = start_server()
    env = {"SLUICE_DEFAULT_LLM_BASE_URL": f"http://127.0.0.1:{servers.free_port()}/v1", "SLUICE_DEFAULT_LLM_API_KEY": "sk-secret-77"}
    env["SLUICE_DEFAULT_LLM_MODEL_NAME"] = "m"
    shown = servers.run("doctor", "--data", running.data, timeout=60, env=env)
    text = shown.stdout + shown.stderr
    assert shown.returncode != 0 and env["SLUICE_DEFAULT_LLM_BASE_URL"].removesuffix("/v1") in text
    assert env["SLUICE_DEFAULT_LLM_API_KEY"] not in text


def doctor(data, *args, env=None):
    """What each check found, by its name, and the exit status."""
    shown = servers.run("doctor", "--data", data, *args, timeout=60, env=env)
    assert "Sanitizer" not in shown.stderr, shown.stderr
    found, name = {}, None
    for line in shown.stdout.splitlines():
        if line.startswith(" "):
            found[name] += (line.strip(),)
        else:
            word, name, text = line.split(None, 2)
            found[name] = (word, text)
    for word, *texts in found.values():
        assert word in ("ok", "warn", "fail") and all(texts) and len(texts) == (1 if word == "ok" else 2), found
    return found, shown.returncode


def test_doctor_before_the_first_start_makes_nothing(tmp_path):
    found, status = doctor(tmp_path / "data")
    assert status == 0 and found["data"][0] == "warn" and found["database"][0] == "ok", found
    assert "demo model" in found["model"][1], found
    assert not (tmp_path / "data").exists()
    (tmp_path / "empty").mkdir(mode=0o700)
    found, status = doctor(tmp_path / "empty")
    assert status == 0 and found["data"][0] == "ok", found
    assert list((tmp_path / "empty").iterdir()) == []


def test_doctor_finds_a_running_server_in_order(start_server):
    running = start_server()
    found, status = doctor(running.data, env=running.env)
    assert status == 0, found
    for name in ("configuration", "data", "master-key", "database", "model", "tls", "private-networks"):
        assert found[name][0] in (("ok", "warn") if name in ("model", "private-networks") else ("ok",)), (name, found)


def test_doctor_names_the_configuration_file(tmp_path):
    data, other = tmp_path / "data", tmp_path / "other.conf"
    data.mkdir(mode=0o700)
    assert str(tmp_path) not in doctor(data)[0]["configuration"][1]
    (data / "sluice.conf").write_text("# nothing\n")
    assert doctor(data)[0]["configuration"][1].startswith(f"{data}/sluice.conf, ")
    other.write_text("log.level = warn\n")
    assert doctor(data, "--config", str(other))[0]["configuration"][1].startswith(f"{other}, ")


def test_doctor_asks_the_configured_model(fake_llm, tmp_path):
    env = {"SLUICE_DEFAULT_LLM_BASE_URL": fake_llm.url, "SLUICE_DEFAULT_LLM_MODEL_NAME": "some-model"}
    found, status = doctor(tmp_path, env=env)
    assert status == 0 and found["model"][0] == "ok" and "some-model" in found["model"][1], found
    env["SLUICE_DEFAULT_LLM_BASE_URL"] = fake_llm.url.replace("://", "://me:pw-55@")
    found, status = doctor(tmp_path, env=env)
    assert status == 1 and found["model"][0] == "fail" and "pw-55" not in str(found), found


def test_doctor_does_not_wait_long_for_a_model_that_hangs(fake_llm, tmp_path):
    fake_llm.always("hanging-model", Hang())
    env = {"SLUICE_DEFAULT_LLM_BASE_URL": fake_llm.url, "SLUICE_DEFAULT_LLM_MODEL_NAME": "hanging-model"}
    began = time.monotonic()
    found, status = doctor(tmp_path, env=env)
    assert status == 1 and time.monotonic() - began < 40
    assert found["model"][:2] == ("fail", f"hanging-model at {fake_llm.url}: The model did not answer within 10 seconds"), found
    assert "serves a model at that address" in found["model"][2]


def test_doctor_without_any_model_fails(tmp_path):
    found, status = doctor(tmp_path, "--demo.model=no")
    assert status == 1 and found["model"][0] == "fail", found


@databases.sqlite_only
def test_doctor_finds_damage(start_server):
    running = start_server()
    running.stop()
    os.chmod(os.path.join(running.data, "secret.key"), 0o644)
    with open(os.path.join(running.data, "sluice.db"), "r+b") as f:
        f.write(b"no database at all" * 100)
    found, status = doctor(running.data, "--allow_private_networks")
    assert status == 1, found
    assert found["master-key"][0] == "fail" and "chmod 600" in found["master-key"][2], found
    assert found["database"][0] == "fail" and "backup" in found["database"][2], found
    assert found["private-networks"][0] == "warn", found


def test_the_welcome_shows_a_curl_line_that_works(start_server):
    running = start_server(args=["--welcome"], with_model=False)
    log = running.log()
    assert running.url in log
    (line,) = [text.strip() for text in log.splitlines() if text.strip().startswith("curl")][:1]
    command = line
    following = log[log.index(line) + len(line) :]
    while command.endswith("\\"):
        nxt, _, following = following.lstrip("\n").partition("\n")
        command = command[:-1] + nxt.strip()
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, (command, made.stderr)
    assert "tool_call" in made.stdout and "stream_end" in made.stdout, made.stdout


def test_the_welcome_says_who_may_log_in(tmp_path):
    first = servers.Server(tmp_path / "d", args=["--welcome"]).start()
    assert first.stop() == 0
    assert f"Administrator           {servers.ADMIN} " in first.log() and servers.PASSWORD not in first.log()
    again = servers.Server(tmp_path / "d", args=["--welcome"]).start()
    assert again.stop() == 0
    assert f"sluice user passwd NAME --data {tmp_path}/d" in again.log()


def test_settings_come_from_the_environment_and_wrong_ones_are_named(tmp_path):
    env = {"SLUICE_HTTP_MAX_BODY": "lots"}
    made = servers.run("serve", "--data", tmp_path / "d", "--listen", "127.0.0.1:0", env=env, timeout=20)
    assert made.returncode != 0 and "MAX_BODY" in (made.stderr + made.stdout).upper().replace(".", "_")


def test_config_shows_every_setting_without_secrets(server):
    env = {"SLUICE_DEFAULT_LLM_API_KEY": "sk-hide-me-now", "OPENAI_BASE_URL": "https://me:pw-77@models.example/v1"}
    shown = servers.run("config", "--data", server.data, env=env)
    assert shown.returncode == 0, shown.stderr
    assert "listen" in shown.stdout and "sk-hide-me-now" not in shown.stdout and "pw-77" not in shown.stdout
    assert "default_llm.base_url = https://me:***@models.example/v1" in shown.stdout


def test_users_are_made_on_the_command_line(server, user):
    someone = user(role="admin")
    assert sage.trimmed(someone.client.get("/api/auth/session"))["user"]["role"] == "admin"
    again = servers.run(
        "user", "create", "--data", server.data, "--name", someone.name, "--email", "other@example.org", "--password-stdin",
        stdin="a password of some length\n",
    )  # fmt: skip
    assert again.returncode != 0 and "already" in again.stderr


def test_requests_that_are_running_are_finished_at_stop(start_server, fake_llm):
    import threading

    from fake_llm import Reply

    running = start_server()
    admin = running.login()
    provider_id, model = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    fake_llm.script(model, Reply("a b c d e", delay=0.2))
    result = {}

    def ask():
        result["run"] = sage.chat(admin, sage.say("Hi", agent))

    thread = threading.Thread(target=ask)
    thread.start()
    fake_llm.wait_for(model, 2)
    time.sleep(0.2)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(25) == 0
    running.process = None
    thread.join(10)
    assert "run" in result  # finished or cancelled, the answer came to a proper end
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url + "/api/health", trust_env=False)
