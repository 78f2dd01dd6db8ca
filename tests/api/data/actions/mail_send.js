// SPDX-License-Identifier: MIT
//# Send a mail: MIME as base64url
//@ auth {"base_url": "$BASE/mail", "access_token": "mail-token"}
//@ input {"to": "bob@example.org", "subject": "Grüße", "body": "Hallo Bob,\nes läuft."}
//> {"id": "m1", "threadId": "t1"}
const encode = (text) => Buffer.from(text, 'utf-8').toString('base64').replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const subject = `=?utf-8?B?${Buffer.from(data.input.subject).toString('base64')}?=`;
const mime = [`To: ${data.input.to}`, `Subject: ${subject}`, 'Content-Type: text/plain; charset="UTF-8"', '', data.input.body].join('\r\n');
const response = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/send`,
    headers: { Authorization: `Bearer ${data.auth.access_token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ raw: encode(mime) }),
});
if (response.status < 200 || response.status >= 300) throw new Error(`Sending failed: ${response.status} ${response.text}`);
return response.json;
