// SPDX-License-Identifier: MIT
//# A trigger whose events carry files
//@ kind "trigger"
//@ auth {"base_url": "$BASE/files", "access_token": "files-token"}
//@ last_poll "2026-02-02T00:00:00.000Z"
//@ file {"logo.png": 70}
//> [{"id": "logo", "timestamp": "2026-02-02T00:00:00.000Z", "data": {"name": "logo.bin", "files": [{"fileName": "logo.png", "mimeType": "image/png", "size": 70}]}}]
const headers = { Authorization: `Bearer ${data.auth.access_token}` };
const { json } = await ld.request({ url: `${data.auth.base_url}/list`, headers });
return Promise.all(
    json.files.map(async ({ id, name }) => {
        const file = await ld.request({ url: `${data.auth.base_url}/download/${id}`, headers, responseType: 'binary' });
        return {
            id,
            timestamp: lastPollTime,
            data: { name, files: [{ fileName: `${id}.png`, mimeType: file.headers['content-type'], base64: Buffer.from(file.buffer).toString('base64') }] },
        };
    }),
);

//# A trigger whose events carry files, in the reference's dialect
//@ like
const get = (path) => fetch(`${secrets.base_url}/${path}`, { headers: { Authorization: `Bearer ${secrets.access_token}` } });
const events = [];
for (const { id, name } of (await (await get('list')).json()).files) {
    const response = await get(`download/${id}`);
    const file = { fileName: `${id}.png`, mimeType: response.headers.get('content-type'), base64: Buffer.from(await response.arrayBuffer()).toString('base64') };
    events.push({ id, timestamp: lastPollTime, data: { name, files: [file] } });
}
return events;
