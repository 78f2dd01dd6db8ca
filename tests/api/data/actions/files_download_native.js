// SPDX-License-Identifier: MIT
//# Download in the older form, over a redirect
//@ auth {"base_url": "$BASE/files", "access_token": "files-token"}
//@ file {"logo.png": 70}
//> {"fileName": "logo.png", "mimeType": "image/png", "size": 70}
const r = await ld.request({ method: 'GET', url: `${data.auth.base_url}/old/logo`, headers: { Authorization: `Bearer ${data.auth.access_token}` }, responseType: 'binary' });
return { fileName: 'logo.png', mimeType: 'image/png', buffer: r.buffer, size: r.buffer.byteLength };

//# Download in the older form, over a redirect, in the reference's dialect
//@ like
const response = await fetch(secrets.base_url + '/old/logo', { headers: { Authorization: 'Bearer ' + secrets.access_token } });
if (!response.redirected || !response.url.endsWith('/download/logo')) throw new Error(`It came from ${response.url}`);
return { fileName: 'logo.png', mimeType: (await response.clone().blob()).type, buffer: await response.arrayBuffer() };
