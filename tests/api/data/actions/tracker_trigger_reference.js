// SPDX-License-Identifier: MIT
//# A trigger of the reference: fetch with a URL object
//@ kind "trigger"
//@ auth {"api_key": "tracker-token"}
//@ input {"base": "$BASE/tracker"}
//@ last_poll "2026-02-06T00:00:00.000Z"
//> [{"id": "issue-6", "timestamp": "2026-02-06T09:00:00.000Z", "data": {"id": 6, "state": "closed"}}, {"id": "issue-7", "timestamp": "2026-02-07T09:00:00.000Z", "data": {"id": 7, "state": "open"}}]
const url = new URL(`${inputs.base}/issues`);
url.searchParams.append('since', lastPollTime);
const response = await fetch(url, { method: 'GET', headers: new Headers({ authorization: `Bearer ${secrets.api_key}` }) });
const items = await response.json();
return items.map(({ id, state, created }) => ({ id: `issue-${id}`, timestamp: new Date(created).toISOString(), data: { id, state } }));
