// SPDX-License-Identifier: MIT
//# Close several issues side by side and report what failed
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//@ input {"ids": [1, 2, 99]}
//> [{"id": 1, "state": "closed"}, {"id": 2, "state": "closed"}, {"id": 99, "error": "no such issue"}]
const headers = { Authorization: `Bearer ${data.auth.apiKey}` };
return Promise.all(
    data.input.ids.map(async (id) => {
        const r = await ld.request({ method: 'PATCH', url: `${data.auth.base_url}/issues/${id}`, headers, body: { state: 'closed' } });
        return r.ok ? { id, state: r.json.state } : { id, error: r.json.error.message };
    }),
);
