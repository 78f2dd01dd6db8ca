// SPDX-License-Identifier: MIT
//# A multipart body that the script builds itself
//@ auth {"base_url": "$BASE/files", "access_token": "files-token"}
//> {"file": {"fileName": "a.bin", "size": 4}}
const boundary = '----form' + Math.random().toString(16).slice(2);
const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`;
const body = Buffer.concat([Buffer.from(head, 'utf8'), Buffer.from([0, 255, 1, 254]), Buffer.from(`\r\n--${boundary}--\r\n`, 'utf8')]);
const r = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/form`,
    headers: { Authorization: `Bearer ${data.auth.access_token}`, 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body,
});
return r.json;

//# A multipart body that the script builds itself, in the reference's dialect
//@ like
const boundary = `form-${crypto.randomUUID()}`;
const encoder = new TextEncoder();
const body = new Blob([
    encoder.encode(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n`),
    new Uint8Array([0, 255, 1, 254]),
    `\r\n--${boundary}--\r\n`,
]);
const response = await fetch(`${secrets.base_url}/form`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secrets.access_token}`, 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body,
});
return response.json();
