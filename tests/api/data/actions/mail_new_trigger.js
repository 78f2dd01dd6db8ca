// SPDX-License-Identifier: MIT
//# A trigger: mails that came since the last poll, newest first
//@ kind "trigger"
//@ auth {"base_url": "$BASE/mail", "access_token": "mail-token"}
//@ last_poll "2026-02-02T00:00:00.000Z"
//> [{"id": "a3", "timestamp": "2026-02-02T02:40:00.000Z", "data": {"subject": "Subject of a3"}}, {"id": "a2", "timestamp": "2026-02-02T02:40:00.000Z", "data": {"subject": "Subject of a2"}}, {"id": "a1", "timestamp": "2026-02-02T02:40:00.000Z", "data": {"subject": "Subject of a1"}}]
const headers = { Authorization: `Bearer ${data.auth.access_token}` };
const get = async (path) => (await ld.request({ url: data.auth.base_url + path, headers })).json;
const events = [];
for (const { id } of (await get('/messages')).messages) {
    const mail = await get(`/messages/${id}`);
    if (Number(mail.internalDate) > Date.parse(lastPollTime))
        events.unshift({ id, timestamp: new Date(Number(mail.internalDate)).toISOString(), data: { subject: mail.payload.headers.find((h) => h.name === 'Subject').value } });
}
return events;

//# A trigger: mails that came since the last poll, in the reference's dialect
//@ like
const get = (path) => fetch(secrets.base_url + path, { headers: { Authorization: `Bearer ${secrets.access_token}` } }).then((r) => r.json());
const { messages } = await get('/messages');
const mails = await Promise.all(messages.map(({ id }) => get(`/messages/${id}`)));
return mails
    .map((mail) => ({ id: mail.id, timestamp: new Date(+mail.internalDate).toISOString(), data: { subject: mail.payload.headers[0].value } }))
    .filter((event) => event.timestamp > lastPollTime)
    .reverse();
