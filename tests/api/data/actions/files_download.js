// SPDX-License-Identifier: MIT
//# Download a picture as a file
//@ auth {"base_url": "$BASE/files", "access_token": "files-token"}
//@ input {"file_id": "logo"}
//@ file {"logo.png": 70}
//> {"files": [{"fileName": "logo.png", "mimeType": "image/png", "size": 70}]}
const response = await ld.request({
    url: `${data.auth.base_url}/download/${data.input.file_id}`,
    headers: { Authorization: `Bearer ${data.auth.access_token}` },
    responseType: 'stream',
});
if (!response.success) throw new Error(`Download failed with ${response.status}`);
const fileName = /filename="([^"]+)"/.exec(response.headers['content-disposition'])[1];
return { files: [{ fileName, mimeType: response.headers['content-type'], base64: Buffer.from(response.buffer).toString('base64') }] };

//# Download a picture as a file, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/download/${inputs.file_id}`, { headers: { Authorization: `Bearer ${secrets.access_token}` } });
if (!response.ok) throw new Error(`Download failed with ${response.status}`);
const [, fileName] = /filename="([^"]+)"/.exec(response.headers.get('content-disposition'));
const bytes = new Uint8Array(await response.arrayBuffer());
const base64 = btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
return { files: [{ fileName, mimeType: response.headers.get('content-type'), base64 }] };
