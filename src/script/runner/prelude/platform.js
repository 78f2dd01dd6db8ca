// SPDX-License-Identifier: MIT
// What the second half gives to the first.

return record({
    AbortController, AbortSignal, Blob, DOMException, File, FormData, Headers, Request, Response, TextDecoder, TextEncoder, URL,
    URLSearchParams, fetch, makeBuffer, makeCrypto, makeStructuredClone, awsRequest, validateSqlQuery, ensureReadOnlySqlQuery, multipart,
    decodeLabel, domainToAscii,
});
