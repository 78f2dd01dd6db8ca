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

//# Send a mail, in the reference's dialect
//@ like
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const mime = `To: ${inputs.to}\r\nSubject: =?utf-8?B?${base64(inputs.subject)}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${inputs.body}`;
const response = await fetch(secrets.base_url + '/send', {
    method: 'post',
    headers: [['authorization', `Bearer ${secrets.access_token}`], ['content-type', 'application/json']],
    body: JSON.stringify({ raw: base64(mime).replace(/[+/=]/g, (c) => ({ '+': '-', '/': '_', '=': '' })[c]) }),
});
if (!response.ok) throw new Error(`Sending failed: ${response.status} ${await response.text()}`);
return await response.json();
