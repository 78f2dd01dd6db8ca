// SPDX-License-Identifier: MIT
//# Upload a file of the input, as bytes and as a form
//@ auth {"base_url": "$BASE/files", "access_token": "files-token"}
//@ files [{"field": "document", "name": "report.txt", "mime": "text/plain", "text": "quarterly report"}]
//@ input {"note": "Q1 \"final\""}
//> {"bytes": {"id": "report", "size": 16, "sha256": "07da4984cc545b940a1ed292475591bc0dea3044a438bb021db0a0f575c74418"}, "form": {"note": "Q1 \"final\"", "file": {"fileName": "report.txt", "size": 16}}}
const file = data.input.document;
const bytes = Buffer.from(file.base64, 'base64');
const headers = { Authorization: `Bearer ${data.auth.access_token}` };
const put = await ld.request({ method: 'PUT', url: `${data.auth.base_url}/upload/report`, headers: { ...headers, 'Content-Type': file.mimeType }, body: bytes });
const form = new FormData();
form.append('note', data.input.note);
form.append('file', new Blob([bytes], { type: file.mimeType }), file.fileName);
const post = await ld.request({ method: 'POST', url: `${data.auth.base_url}/form`, headers, body: form });
return { bytes: put.json, form: post.json };

//# Upload a file of the input, as bytes and as a form, in the reference's dialect
//@ like
const { document, note } = inputs;
const bytes = Uint8Array.from(atob(document.base64), (c) => c.charCodeAt(0));
const headers = { Authorization: `Bearer ${secrets.access_token}` };
const put = await fetch(`${secrets.base_url}/upload/report`, { method: 'PUT', headers: { ...headers, 'Content-Type': document.mimeType }, body: bytes });
const form = new FormData();
form.set('note', note);
form.set('file', new File([bytes], document.fileName, { type: document.mimeType }));
const post = await fetch(new Request(`${secrets.base_url}/form`, { method: 'POST', headers, body: form }));
return { bytes: await put.json(), form: await post.json() };
