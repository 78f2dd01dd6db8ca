// SPDX-License-Identifier: MIT
//# Read mails: a list, then each, decoded
//@ auth {"base_url": "$BASE/mail", "access_token": "mail-token"}
//> [{"id": "a1", "subject": "Subject of a1", "from": "ada@example.org", "date": "2026-02-02T02:40:00.000Z", "text": "Grüße von a1"}, {"id": "a2", "subject": "Subject of a2", "from": "ada@example.org", "date": "2026-02-02T02:40:00.000Z", "text": "Grüße von a2"}]
const headers = { Authorization: `Bearer ${data.auth.access_token}` };
const list = await ld.request({ url: `${data.auth.base_url}/messages`, headers });
const header = (m, name) => (m.payload.headers.find((h) => h.name.toLowerCase() === name) || {}).value;
const result = [];
for (const { id } of list.json.messages.slice(0, data.input.max_results || 2)) {
    const { json } = await ld.request({ url: `${data.auth.base_url}/messages/${id}`, headers });
    const text = decodeURIComponent(escape(atob(json.payload.body.data.replace(/-/g, '+').replace(/_/g, '/'))));
    result.push({ id, subject: header(json, 'subject'), from: header(json, 'from'), date: new Date(Number(json.internalDate)).toISOString(), text });
}
return result;

//# Read mails side by side, in the reference's dialect
//@ like
const get = async (path) => (await fetch(secrets.base_url + path, { headers: { Authorization: `Bearer ${secrets.access_token}` } })).json();
const { messages } = await get('/messages');
const read = async ({ id }) => {
    const { payload, internalDate } = await get(`/messages/${id}`);
    const headers = Object.fromEntries(payload.headers.map(({ name, value }) => [name.toLowerCase(), value]));
    const text = new TextDecoder().decode(Buffer.from(payload.body.data, 'base64url'));
    return { id, subject: headers.subject, from: headers.from, date: new Date(+internalDate).toISOString(), text };
};
return Promise.all(messages.slice(0, 2).map(read));
