// SPDX-License-Identifier: MIT
// Files that come in and go out.

//# an input file
//@ files [{"field": "doc", "name": "a.txt", "mime": "text/plain", "text": "hello"}]
//> [{"fileName": "a.txt", "mimeType": "text/plain", "size": 5, "base64": "aGVsbG8=", "lastModified": "2026-02-01T08:00:00.000Z"}, "hello", "undefined"]
const f = data.input.doc;
return [JSON.parse(JSON.stringify(f)), atob(f.base64), typeof f.text];

//# several input files are an array
//@ files [{"field": "docs", "list": true, "name": "a", "mime": "text/plain", "text": "1"}, {"field": "docs", "list": true, "name": "b", "mime": "text/plain", "text": "22"}, {"field": "one", "name": "c", "mime": "text/plain", "text": "333"}]
//> [["a", "b"], "MjI=", "MzMz", true]
return [data.input.docs.map((f) => f.fileName), inputs.docs[1].base64, inputs.one.base64, Array.isArray(data.input.docs)];

//# bytes are fetched only when they are read
//@ files [{"field": "doc", "name": "big.bin", "mime": "application/pdf", "size": 50000000}]
//@ memory 20000000
//> ["big.bin", 50000000]
return [data.input.doc.fileName, data.input.doc.size];

//# an input file can be changed
//@ files [{"field": "doc", "name": "a.txt", "mime": "text/plain", "text": "hello"}]
//> ["b.txt", "eA=="]
data.input.doc.fileName = 'b.txt';
data.input.doc.base64 = 'eA==';
return [data.input.doc.fileName, data.input.doc.base64];

//# an input file can be sent on
//@ files [{"field": "doc", "name": "a.bin", "mime": "application/octet-stream", "text": "hello"}]
//@ request {"body": "hello", "headers": {"content-type": "application/octet-stream"}}
//> 200
const f = data.input.doc;
return (await ld.request({ url: 'https://api.test/up', method: 'PUT', headers: { 'Content-Type': f.mimeType }, body: Buffer.from(f.base64, 'base64') })).status;

//# one file goes out as text
//@ file {"export.csv": 7}
//> {"success": true, "files": {"fileName": "export.csv", "mimeType": "text/csv", "size": 7}}
return { success: true, files: { fileName: 'export.csv', mimeType: 'text/csv', text: 'a,b\n1,€'.slice(0, 6) + '2' } };

//# several files go out, of all forms
//@ file {"a.txt": 3, "b.bin": 2, "c.bin": 3}
//> {"files": [{"fileName": "a.txt", "mimeType": "text/plain", "size": 3}, {"fileName": "b.bin", "mimeType": "application/pdf", "size": 2, "url": "https://x/b"}, {"fileName": "c.bin", "mimeType": "image/png", "size": 3}], "n": 3}
return { files: [{ fileName: 'a.txt', mimeType: 'text/plain', text: '€', lastModified: '2026-01-01T00:00:00Z' }, { fileName: 'b.bin', mimeType: 'application/pdf', base64: 'aGk=', url: 'https://x/b', size: 99, data: { raw: 1 } },
    { fileName: 'c.bin', mimeType: 'image/png', buffer: new Uint8Array([1, 2, 3]) }], n: 3 };

//# the older form without a wrapper
//@ file {"a.pdf": 2}
//> {"fileName": "a.pdf", "mimeType": "application/pdf", "size": 2}
return { fileName: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from('hi'), size: 5 };

//# files of events
//@ last_poll "2026-02-01T00:00:00.000Z"
//@ file {"a.txt": 1, "b.txt": 2}
//> [{"id": "1", "timestamp": "t", "data": {"files": [{"fileName": "a.txt", "mimeType": "text/plain", "size": 1}], "n": 1}}, {"id": "2", "timestamp": "t", "data": {"files": {"fileName": "b.txt", "mimeType": "text/plain", "size": 2}}}, {"id": "3", "timestamp": "t", "data": {}}]
const f = (fileName, text) => ({ fileName, mimeType: 'text/plain', text });
return [{ id: '1', timestamp: 't', data: { files: [f('a.txt', '1')], n: 1 } }, { id: '2', timestamp: 't', data: { files: f('b.txt', '22') } }, { id: '3', timestamp: 't', data: {} }];

//# lists of files of other services are data
//> {"files": [{"id": "1", "name": "a", "mimeType": "text/plain"}], "nextPageToken": "x"}
return { files: [{ id: '1', name: 'a', mimeType: 'text/plain' }], nextPageToken: 'x' };

//# an input file can be returned
//@ files [{"field": "doc", "name": "a.txt", "mime": "text/plain", "text": "hello"}]
//@ file {"a.txt": 5}
//> {"files": {"fileName": "a.txt", "mimeType": "text/plain", "size": 5}}
return { files: data.input.doc };

//# base64 of the alphabet for addresses is taken
//@ file {"a.bin": 3}
//> {"files": {"fileName": "a.bin", "mimeType": "image/png", "size": 3}}
return { files: { fileName: 'a.bin', mimeType: 'image/png', base64: '-_-_' } };

//# both base64 and text
//! throw: files: give either base64 or text, not both
return { files: { fileName: 'a', mimeType: 'text/plain', text: 'x', base64: 'eA==' } };

//# neither base64 nor text
//! throw: files[1]: base64 or text is missing
return { files: [{ fileName: 'a', mimeType: 'text/plain', text: 'x' }, { fileName: 'a', mimeType: 'text/plain' }] };

//# a file without a name
//! throw: files: fileName must be a text
return { files: { mimeType: 'text/plain', text: 'x' } };

//# a file without a type
//! throw: files: mimeType must be a type
return { files: { fileName: 'a', text: 'x' } };

//# base64 that is none
//! throw: files: base64 is not base64
return { files: { fileName: 'a', mimeType: 'text/plain', base64: '***' } };

//# a date that is none
//! throw: files: lastModified is not a date
return { files: { fileName: 'a', mimeType: 'text/plain', text: 'x', lastModified: 'soon' } };

//# an empty file is a file
//@ file {"a.txt": 0}
//> {"files": {"fileName": "a.txt", "mimeType": "text/plain", "size": 0}}
return { files: { fileName: 'a.txt', mimeType: 'text/plain', text: '' } };
