// SPDX-License-Identifier: MIT
//# A trigger: issues since the last poll
//@ kind "trigger"
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//@ input {"state": "open"}
//@ last_poll "2026-02-04T00:00:00.000Z"
//> [{"id": "4", "timestamp": "2026-02-04T09:00:00.000Z", "data": {"title": "New laptop"}}, {"id": "5", "timestamp": "2026-02-05T09:00:00.000Z", "data": {"title": "Password reset"}}, {"id": "7", "timestamp": "2026-02-07T09:00:00.000Z", "data": {"title": "Broken chair"}}]
const r = await ld.request({
    url: data.auth.base_url + '/issues',
    params: { since: lastPollTime, state: [data.input.state], per_page: 100 },
    headers: { Authorization: 'Bearer ' + data.auth.apiKey },
});
return r.json.map((t) => ({ id: String(t.id), timestamp: t.created, data: { title: t.title } }));

//# A trigger: issues since the last poll, in the reference's dialect
//@ like
const url = new URL(`${secrets.base_url}/issues?per_page=100`);
url.searchParams.set('since', lastPollTime);
url.searchParams.set('state', inputs.state);
const issues = await (await fetch(url, { headers: { Authorization: `Bearer ${secrets.apiKey}` } })).json();
return issues.map(({ id, created, title }) => ({ id: `${id}`, timestamp: created, data: { title } }));
