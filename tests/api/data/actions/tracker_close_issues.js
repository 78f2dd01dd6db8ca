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

//# Close several issues and report what failed, in the reference's dialect
//@ like
const close = async (id) => {
    const response = await fetch(`${secrets.base_url}/issues/${id}`, {
        method: 'PATCH',
        headers: { Authorization: `Bearer ${secrets.apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ state: 'closed' }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error.message);
    return answer.state;
};
const settled = await Promise.allSettled(inputs.ids.map(close));
return settled.map((s, i) => (s.status === 'fulfilled' ? { id: inputs.ids[i], state: s.value } : { id: inputs.ids[i], error: s.reason.message }));
