# SPDX-License-Identifier: MIT
"""Triggers at run time: instances, polls, webhooks; each event starts one conversation of an agent, whatever happens meanwhile."""
import datetime
import http.client
import json
import re
import socket
import time
import uuid

import pytest

import databases
import langdock
import sage
import server as servers
from fake_saas import FakeSaas
from fixtures import create_user


def iso(seconds=0.0):
    """A moment so many seconds from now."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(id, seconds, **data):
    return {"id": id, "timestamp": iso(seconds), "data": data}


class World:
    """A server that may call its own machine, an agent, and a fake service whose events the test sets."""

    def __init__(self, server, fake):
        self.server, self.fake = server, fake
        self.connect()
        provider, self.model = sage.provider(self.admin, fake)
        self.agent = sage.agent(self.admin, provider)
        self.desk = langdock.Desk(self.client)
        self.path = f"/events/{uuid.uuid4().hex}"

    def connect(self):
        self.admin = self.server.login()
        self.client = langdock.client(self.server)
        if hasattr(self, "desk"):
            self.desk.client = self.client

    def offer(self, *events):
        self.fake.page(self.path, json.dumps(list(events)), content_type="application/json")

    def polling(self, code=None, **more):
        code = code or f"const r = await ld.request({{url: {json.dumps(self.fake.origin + self.path)}}}); return r.json;"
        return self.desk.trigger(sage.unique("New"), pollingCode=code, **more)

    def instance(self, trigger, **more):
        r = self.desk.post(f"triggers/{trigger['id']}/instances", {"agentId": self.agent, **more})
        assert r.status_code == 201, r.text
        return r.json()["instance"]

    def at(self, instance, tail=""):
        return f"triggers/{instance['triggerId']}/instances/{instance['id']}{tail}"

    def get(self, instance):
        r = self.client.get(f"{self.desk.url}/{self.at(instance)}")
        assert r.status_code == 200, r.text
        return r.json()["instance"]

    def wait(self, instance, wanted, timeout=20):
        end = time.monotonic() + timeout
        while not wanted(now := self.get(instance)):
            assert time.monotonic() < end, now
            time.sleep(0.05)
        return now

    def poll(self, instance):
        """Polls now and waits until that poll is over."""
        before = self.get(instance)
        assert self.desk.post(self.at(instance, "/poll")).status_code == 202
        return self.wait(instance, lambda i: i["lastPollAt"] != before["lastPollAt"] or i["failures"] != before["failures"])

    def asked(self, count, timeout=20):
        """The requests of conversations (not the probe of the provider), once there are `count`."""
        end = time.monotonic() + timeout
        while len(found := [r for r in self.fake.requests_for(self.model) if self.first_user(r)]) < count:
            assert time.monotonic() < end, f"{len(found)} conversations, {count} expected"
            time.sleep(0.02)
        return found

    def said(self, count, timeout=20):
        """What the model was told first in each conversation."""
        return [self.first_user(r) for r in self.asked(count, timeout)]

    @staticmethod
    def first_user(request):
        """The user's words in the first message; None for the probe of the provider, which is no conversation."""
        content = next(m for m in request.body["messages"] if m["role"] == "user")["content"]
        text = content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
        found = re.search(r"<user_request>\s*(.*?)\s*</user_request>", text, re.DOTALL)
        return found and found.group(1)


@pytest.fixture
def world(start_server, fake_llm):
    return World(start_server(env={"SLUICE_ALLOW_PRIVATE_NETWORKS": "1"}), fake_llm)


def settled(world, instance):
    return world.wait(instance, lambda i: i["state"] == "polling")


def test_what_is_older_than_the_activation_is_remembered_and_what_is_newer_fires_once(world):
    world.offer(event("old", -3600, subject="an old one"))
    instance = world.instance(world.polling())
    assert instance["state"] == "seeding" and instance["pollingInterval"] == 300
    settled(world, instance)
    world.offer(event("old", -3600, subject="an old one"), event("new", 1, subject="VPN down"))
    world.poll(instance)
    (text,) = world.said(1)
    assert "VPN down" in text
    world.poll(instance)
    world.offer(event("new", 2, subject="VPN down"), event("newer", 3, subject="printer on fire"))
    world.poll(instance)
    assert ["printer on fire" in t for t in world.said(2)] == [False, True]
    mine = sage.full(world.admin.get("/api/conversations"))["list"]
    assert len([c for c in mine if c["agent_id"] == world.agent]) == 2


def test_events_are_delivered_in_the_order_of_their_times(world):
    world.offer()
    instance = world.instance(world.polling())
    settled(world, instance)
    world.offer(*(event(str(n), n, number=n) for n in (3, 1, 2)))
    world.poll(instance)
    assert [json.loads(t)["number"] for t in world.said(3)] == [1, 2, 3]


def test_the_script_sees_its_input_and_the_time_of_the_last_poll(world):
    code = """
    if (inputs.queueName !== 'net' || data.input.queue_name !== 'net') throw new Error('input');
    if (new Date(lastPollTime).toISOString() !== lastPollTime) throw new Error('lastPollTime ' + lastPollTime);
    return [];
    """
    trigger = world.polling(code, inputFields=[{"label": "Queue name"}])
    instance = world.instance(trigger, inputs={"queue_name": "net"}, pollingInterval=60)
    assert settled(world, instance)["error"] is None
    assert world.get(instance)["pollingInterval"] == 60


def test_a_poll_that_fails_says_why_backs_off_and_recovers(world):
    world.offer()
    trigger = world.polling()
    instance = world.instance(trigger)
    settled(world, instance)
    world.fake.page(world.path, '{"not": "an array"}', content_type="application/json")
    now = world.poll(instance)
    assert now["state"] == "backoff" and now["failures"] == 1 and "array of events" in now["error"]
    world.desk.patch(f"triggers/{trigger['id']}", {"pollingCode": "throw new Error('the queue is closed')"})
    now = world.poll(instance)
    assert now["failures"] == 2 and "the queue is closed" in now["error"]
    wait = datetime.datetime.fromisoformat(now["nextPollAt"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
    assert 500 < wait.total_seconds() <= 600
    world.desk.patch(f"triggers/{trigger['id']}", {"pollingCode": "return []"})
    now = world.poll(instance)
    assert (now["state"], now["failures"], now["error"]) == ("polling", 0, None)


def test_an_instance_that_fails_for_a_day_is_deactivated_until_it_is_started_again(world):
    world.offer()
    trigger = world.polling("throw new Error('still closed')")
    instance = world.instance(trigger)
    assert world.wait(instance, lambda i: i["failures"] > 0)["state"] == "seeding"
    for since, state in ((86200, "seeding"), (86410, "deactivated")):
        then = int((time.time() - since) * 1e6)
        databases.change(world.server.data, f"UPDATE trigger_instance SET failing_since = {then} WHERE id = '{instance['id']}'")
        now = world.poll(instance)
        assert now["state"] == state and "still closed" in now["error"]
    langdock.refused(world.desk.post(world.at(instance, "/poll")), 409, "not active")
    world.desk.patch(f"triggers/{trigger['id']}", {"pollingCode": "return []"})
    assert world.desk.patch(world.at(instance), {"active": True}).json()["instance"]["state"] == "seeding"
    assert settled(world, instance)["failures"] == 0


def test_nothing_runs_for_a_user_who_is_disabled(world):
    name = create_user(world.server, "user").name
    theirs = langdock.client(world.server, "INTEGRATION_API", "AGENT_API", user=name)
    world.agent = theirs.post("/agent/v1/create", json={"name": "Theirs"}).json()["agent"]["id"]
    mine, world.client, world.desk = world.client, theirs, langdock.Desk(theirs)
    world.offer()
    instance = world.instance(world.polling())
    hook = world.instance(world.desk.trigger("Hook", kind="webhook"))
    settled(world, instance)
    assert servers.run("user", "disable", "--data", world.server.data, name).returncode == 0
    langdock.refused(call(world, hook), 409)
    world.client = mine
    world.desk.client = mine
    world.offer(event("late", 1, subject="nobody hears of it"))
    assert world.desk.post(world.at(instance, "/poll")).status_code == 202
    failed = world.wait(instance, lambda i: i["failures"] > 0)
    assert "disabled" in failed["error"]


@pytest.mark.parametrize("how", ["deleted", "disabled"])
def test_an_instance_without_its_agent_is_deactivated(world, how):
    world.offer()
    instance = world.instance(world.polling())
    settled(world, instance)
    if how == "deleted":
        sage.full(world.admin.delete(f"/api/agent/{world.agent}"))
    else:
        builder = langdock.client(world.server, "AGENT_API")
        assert builder.patch("/agent/v1/disable", json={"agentId": world.agent, "disabled": True}).status_code == 200
    world.offer(event("lost", 1, subject="to nobody"))
    assert world.desk.post(world.at(instance, "/poll")).status_code == 202
    ended = world.wait(instance, lambda i: i["state"] == "deactivated")
    assert "agent" in ended["error"] and world.said(0) == []
    langdock.refused(world.desk.post(world.at(instance, "/poll")), 409)


def test_what_is_no_event_is_left_out(world):
    world.offer()
    instance = world.instance(world.polling())
    settled(world, instance)
    world.offer({"id": "a"}, {"timestamp": iso(1)}, "text", {"id": 7, "timestamp": iso(1), "data": "a number is an id"})
    assert world.poll(instance)["failures"] == 0
    assert world.said(1) == ['"a number is an id"']


def test_files_of_events_reach_the_agent(world):
    code = """return [{id: 'f', timestamp: new Date(Date.now() + 1000).toISOString(),
      data: {subject: 'report', files: [{fileName: 'notes.txt', mimeType: 'text/plain', text: 'the meeting moved'}]}}]"""
    world.instance(world.polling(code))
    (request,) = world.asked(1)
    assert "the meeting moved" in json.dumps(request.body["messages"])
    assert "base64" not in json.dumps(request.body["messages"])


def test_files_go_to_their_own_event_and_are_stored_once_however_often_it_is_seen(world):
    code = """const at = new Date(Date.now() + 1000).toISOString(); return [
      {id: 'plain', timestamp: at, data: {subject: 'nothing here'}},
      {id: 'full', timestamp: at, data: {files: [{fileName: 'notes.txt', mimeType: 'text/plain', text: 'it moved'}]}}]"""
    instance = world.instance(world.polling(code))
    asked = [json.dumps(r.body["messages"]) for r in world.asked(2)]
    assert [("it moved" in text) for text in sorted(asked, key=lambda text: "subject" not in text)] == [False, True]
    for _ in range(2):
        world.poll(instance)
    assert world.server.rows("SELECT COUNT(*) FROM attachment WHERE name = 'notes.txt'") == [("1",)]


def test_an_instance_that_is_stopped_or_deleted_polls_no_more(world):
    world.offer()
    instance = world.instance(world.polling(), active=False)
    assert instance["state"] == "inactive"
    langdock.refused(world.desk.post(world.at(instance, "/poll")), 409, "not active")
    assert world.desk.patch(world.at(instance), {"active": True}).json()["instance"]["state"] == "seeding"
    settled(world, instance)
    assert world.desk.patch(world.at(instance), {"active": False}).json()["instance"]["state"] == "inactive"
    langdock.refused(world.desk.post(world.at(instance, "/poll")), 409)
    assert world.desk.delete(world.at(instance)).json() == {"message": "Instance deleted", "id": instance["id"]}
    langdock.refused(world.client.get(f"{world.desk.url}/{world.at(instance)}"), 404, "Trigger instance not found")


def test_starting_what_is_active_loses_no_event(world):
    world.offer()
    instance = world.instance(world.polling())
    settled(world, instance)
    world.offer(event("between", 0, subject="since the last poll"))
    time.sleep(0.05)
    changed = world.desk.patch(world.at(instance), {"active": True, "inputs": {}}).json()["instance"]
    assert changed["state"] == "polling"
    world.poll(instance)
    assert "since the last poll" in world.said(1)[0]
    langdock.issue(world.desk.patch(world.at(instance), {"active": None}), ["active"], "invalid_type")


def test_starting_what_is_active_gives_it_its_poll_again(world):
    world.offer()
    instance = world.instance(world.polling())
    before = settled(world, instance)
    databases.change(world.server.data, f"UPDATE trigger_instance SET next_poll_at = 1 WHERE id = '{instance['id']}'")
    databases.change(world.server.data, "DELETE FROM job WHERE kind = 'trigger.poll'")
    assert world.desk.patch(world.at(instance), {"active": True}).status_code == 200
    world.wait(instance, lambda i: i["lastPollAt"] != before["lastPollAt"])


def test_a_shorter_interval_counts_at_once(world):
    world.offer()
    instance = world.instance(world.polling(), pollingInterval=86400)
    settled(world, instance)

    def seconds_left(i):
        return (datetime.datetime.fromisoformat(i["nextPollAt"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

    assert seconds_left(world.get(instance)) > 80000
    changed = world.desk.patch(world.at(instance), {"pollingInterval": 60}).json()["instance"]
    assert changed["pollingInterval"] == 60 and 0 < seconds_left(changed) <= 60
    ((planned,),) = world.server.rows("SELECT run_at FROM job WHERE kind = 'trigger.poll' AND state = 'queued'")
    assert int(planned) / 1e6 - time.time() <= 60


def test_instances_check_what_they_are_given(world):
    trigger = world.polling("return []")
    path = f"triggers/{trigger['id']}/instances"
    langdock.issue(world.desk.post(path, {}), ["agentId"], "invalid_type")
    langdock.issue(world.desk.post(path, {"agentId": world.agent, "pollingInterval": 59}), ["pollingInterval"], "too_small")
    langdock.refused(world.desk.post(path, {"agentId": "agent_00000000"}), 404, "Agent not found")
    langdock.refused(world.desk.post(path, {"agentId": world.agent, "connectionId": langdock.NOBODY}), 404, "Connection not found")
    langdock.refused(world.desk.post(f"triggers/{langdock.NOBODY}/instances", {"agentId": world.agent}), 404, "Trigger not found")
    langdock.refused(world.desk.post("triggers/x/instances", {"agentId": world.agent}), 400)
    listed = world.client.get(f"{world.desk.url}/{path}").json()["instances"]
    assert listed == []


@databases.sqlite_only
def test_an_instance_whose_client_leaves_is_made_once(world):
    world.offer()
    trigger = world.polling()
    path, body = f"{world.desk.url}/triggers/{trigger['id']}/instances", {"agentId": world.agent}
    for _ in range(100):
        key = sage.unique("key")
        before = world.server.rows("SELECT COUNT(*) FROM trigger_instance")
        s = langdock.send(world.server, world.client, path, body, key)
        while not world.server.rows(f"SELECT 1 FROM idempotency WHERE name = '{key}'"):
            pass
        with databases.locked(world.server.data) as db:
            early = db.execute("SELECT COUNT(*) FROM trigger_instance").fetchone()[0] == int(before[0][0])
            time.sleep(0.2 if early else 0)
            s.close()
            time.sleep(0.2 if early else 0)
        if early:  # its key is taken, and it is not written yet
            break
        langdock.again(world.client, path, body, key)
    assert early
    r = langdock.again(world.client, path, body, key)
    assert r.status_code == 201 and r.headers["idempotent-replayed"] == "true", r.text
    assert int(world.server.rows("SELECT COUNT(*) FROM trigger_instance")[0][0]) == int(before[0][0]) + 1
    settled(world, r.json()["instance"])


@databases.sqlite_only
def test_an_instance_that_could_not_be_started_is_not_made_again_under_its_key(world):
    world.offer()
    trigger = world.polling()
    path, body = f"{world.desk.url}/triggers/{trigger['id']}/instances", {"agentId": world.agent}
    rows = "SELECT COUNT(*) FROM trigger_instance"
    for _ in range(100):
        key, before = sage.unique("key"), world.server.rows(rows)
        with langdock.send(world.server, world.client, path, body, key) as s:
            while world.server.rows(rows) == before:
                pass
            with databases.locked(world.server.data) as db:
                early = db.execute("SELECT COUNT(*) FROM trigger_instance WHERE state = 'inactive'").fetchone()[0] == 1
                answer = s.recv(1000) if early else b""  # once the server waits no longer for the lock
        if early:
            break
        langdock.again(world.client, path, body, key)
    assert b" 429 " in answer.split(b"\r\n")[0], answer
    made = world.server.rows(rows)
    langdock.refused(langdock.again(world.client, path, body, key), 409, "was carried out, but its answer was lost")
    assert world.server.rows(rows) == made


def test_a_poll_survives_a_restart_and_an_event_does_not_fire_again(world):
    world.offer(event("one", 30, subject="first"))
    instance = world.instance(world.polling())
    world.said(1)
    settled(world, instance)
    ((attempts,),) = world.server.rows("SELECT max_attempts FROM job WHERE kind = 'trigger.poll'")
    assert int(attempts) > 1000000, "however often the database fails, polls go on"
    assert world.server.stop() == 0
    world.server.start()
    world.connect()
    world.offer(event("one", 30, subject="first"), event("two", 31, subject="second"))
    world.poll(instance)
    assert ["second" in t for t in world.said(2)] == [False, True]


# ------------------------------------------------------------------------------------------------------------ webhooks


@pytest.fixture
def hook(world):
    trigger = world.desk.trigger("Hook", kind="webhook")
    return world.instance(trigger)


def call(world, hook, body=None, **headers):
    path = hook["webhookUrl"].removeprefix(world.server.url)
    return world.server.client(headers={"x-webhook-secret": hook["secret"], **headers}).post(path, json=body or {"n": 1})


def test_a_call_of_a_webhook_starts_a_conversation_without_its_secrets(world, hook):
    assert hook["state"] == "listening" and len(hook["secret"]) >= 32
    r = call(world, hook, {"subject": "paid"}, authorization="Bearer somebody-elses")
    assert r.status_code == 202 and r.json() == {"status": "accepted"}
    (text,) = world.said(1)
    data = json.loads(text)
    assert data["body"] == {"subject": "paid"}
    assert hook["secret"] not in text and "somebody-elses" not in text


def test_a_webhook_wants_its_secret(world, hook):
    client, path = world.server.client(), hook["webhookUrl"].removeprefix(world.server.url)
    langdock.refused(client.post(path, json={}), 403, "secret")
    langdock.refused(client.post(path, json={}, headers={"x-webhook-secret": hook["secret"][:-1] + "x"}), 403)
    assert client.post(f"{path}?secret={hook['secret']}", json={}).status_code == 202
    langdock.refused(client.post(f"/api/hooks/triggers/{langdock.NOBODY}", json={}), 404, "Trigger instance not found")
    langdock.refused(client.post("/api/hooks/triggers/nobody", json={}), 400)
    assert "secret" not in world.get(hook)
    changed = world.desk.patch(world.at(hook), {"rotateSecret": True}).json()["instance"]
    langdock.refused(call(world, hook), 403)
    assert call(world, changed).status_code == 202
    world.desk.patch(world.at(hook), {"active": False})
    langdock.refused(call(world, changed), 409)


def test_a_call_that_the_code_does_not_understand_says_so_until_one_goes_well(world):
    trigger = world.desk.trigger("Hook", kind="webhook", pollingCode="throw new Error('what is this?')")
    hook = world.instance(trigger)
    assert call(world, hook).status_code == 202
    failed = world.wait(hook, lambda i: i["error"] is not None)
    assert "what is this?" in failed["error"] and failed["state"] == "listening"
    world.desk.patch(f"triggers/{trigger['id']}", {"pollingCode": "return []"})
    world.wait(hook, lambda i: i["error"] is None, timeout=60)  # it is tried again by itself


def test_a_call_that_was_accepted_runs_no_code_once_its_user_is_disabled(world):
    name = create_user(world.server, "user").name
    theirs = langdock.client(world.server, "INTEGRATION_API", "AGENT_API", user=name)
    world.agent = theirs.post("/agent/v1/create", json={"name": "Theirs"}).json()["agent"]["id"]
    world.client, world.desk = theirs, langdock.Desk(theirs)
    with FakeSaas() as saas:
        code = f"const r = await ld.request({{url: {json.dumps(saas.url + '/shop/flaky')}}}); throw new Error('status ' + r.status)"
        hook = world.instance(world.desk.trigger("Hook", kind="webhook", pollingCode=code))
        assert call(world, hook).status_code == 202
        world.wait(hook, lambda i: i["error"] is not None)
        assert servers.run("user", "disable", "--data", world.server.data, name).returncode == 0
        end = time.monotonic() + 30
        while (job := world.server.rows("SELECT state, error FROM job WHERE kind = 'trigger.call'"))[0][0] != "failed":
            assert time.monotonic() < end and len(saas.log("shop")) == 1, (job, saas.log())
            time.sleep(0.1)
        assert "disabled" in job[0][1] and len(saas.log("shop")) == 1


def test_a_trigger_with_instances_keeps_its_kind(world, hook):
    path = f"triggers/{hook['triggerId']}"
    langdock.refused(world.desk.patch(path, {"kind": "polling"}), 409, "keeps its kind")
    assert world.desk.patch(path, {"kind": "webhook", "description": "same"}).status_code == 200
    assert world.desk.delete(world.at(hook)).status_code == 200
    assert world.desk.patch(path, {"kind": "polling"}).json()["trigger"]["kind"] == "polling"


def test_a_delivery_that_is_repeated_counts_once(world, hook):
    for _ in range(3):
        assert call(world, hook, {"n": 1}, **{"x-webhook-id": "d-1"}).status_code == 202
    assert call(world, hook, {"n": 2}, **{"x-webhook-id": "d-2"}).status_code == 202
    assert [json.loads(t)["body"]["n"] for t in world.said(2)] == [1, 2]
    time.sleep(0.3)
    assert len(world.said(2)) == 2


def test_the_id_of_a_delivery_has_to_tell_them_apart(world, hook):
    for n in (1, 2):
        assert call(world, hook, {"n": n}, **{"x-webhook-id": ""}).status_code == 202
    assert [json.loads(t)["body"]["n"] for t in world.said(2)] == [1, 2]
    langdock.refused(call(world, hook, **{"x-webhook-id": "x" * 501}), 400)
    langdock.refused(call(world, hook, **{"x-webhook-id": b"\xff\xfe"}), 400)


def test_a_webhook_takes_so_many_calls_a_minute(start_server, fake_llm):
    env = {"SLUICE_ALLOW_PRIVATE_NETWORKS": "1", "SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "20"}
    world = World(start_server(env=env), fake_llm)
    hook = world.instance(world.desk.trigger("Hook", kind="webhook"))
    for _ in range(30):
        langdock.refused(call(world, {**hook, "secret": "guessed"}), 403)
    answers = [call(world, hook, {"n": n}) for n in range(30)]
    assert {r.status_code for r in answers[:20]} == {202} and answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_no_number_of_webhook_calls_makes_the_server_forget_what_users_have_asked(start_server):
    server = start_server(env={"SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "60"})
    client = langdock.client(server)
    began = time.monotonic()
    while client.get("/integrations/v1/get").status_code == 200:
        pass
    plain = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for _ in range(10_001):
        plain.request("POST", f"/api/hooks/triggers/{uuid.uuid4()}")
        answer = plain.getresponse()
        assert answer.status == 404 and answer.read()
    left = int(client.get("/integrations/v1/get").headers["x-ratelimit-remaining-requests"])
    assert left <= time.monotonic() - began + 1  # one comes back each second


def test_who_does_not_know_a_webhooks_secret_need_not_be_heard(world, hook):
    """Refused by its head: the body never comes."""
    path = hook["webhookUrl"].removeprefix(world.server.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=20) as s:
        s.sendall(head.encode())
        assert s.recv(1000).startswith(b"HTTP/1.1 403 ")


def test_the_code_of_a_webhook_makes_events_of_a_call(world):
    code = """
    const {body, query} = data.input.request;
    return body.items.map(i => ({id: i.id, timestamp: i.at, data: {text: i.text, from: query.from}}));
    """
    hook = world.instance(world.desk.trigger("Shaped", kind="webhook", pollingCode=code))
    hook["webhookUrl"] += "?from=shop"
    items = [{"id": "b", "at": iso(2), "text": "second"}, {"id": "a", "at": iso(1), "text": "first"}]
    assert call(world, hook, {"items": items}).status_code == 202
    assert [json.loads(t) for t in world.said(2)] == [{"text": t, "from": "shop"} for t in ("first", "second")]


def conversations(world):
    """How many the agent has."""
    return len([c for c in sage.full(world.admin.get("/api/conversations"))["list"] if c["agent_id"] == world.agent])


def test_a_call_that_was_accepted_survives_a_crash(world, hook):
    for n in range(5):
        assert call(world, hook, {"n": n}).status_code == 202
    world.server.kill()
    world.server.start()
    world.connect()
    # On PostgreSQL another node might be at it still: what it had begun waits until its lease is over.
    end = time.monotonic() + (100 if databases.POSTGRES else 60)
    while (begun := conversations(world)) < 5:
        assert time.monotonic() < end, f"{begun} conversations, 5 expected"
        time.sleep(0.05)
    # The one at which the server was killed may not have got to its model: it is begun once, whatever becomes of it.
    asked = [json.loads(t)["body"]["n"] for t in world.said(4)]
    assert len(set(asked)) == len(asked) and conversations(world) == 5


def test_webhooks_do_not_poll_and_bodies_have_a_limit(world, hook):
    langdock.refused(world.desk.post(world.at(hook, "/poll")), 501)
    langdock.refused(call(world, hook, {"x": "y" * 1100000}), 413)
