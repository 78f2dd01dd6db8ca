// SPDX-License-Identifier: MIT
// atob and btoa.

function btoa(text) {
    const source = `${text}`;
    if (matches(/[^\x00-\xff]/, source))
        throw new (platform().DOMException)('btoa takes characters up to U+00FF only; encode the text as UTF-8 first', 'InvalidCharacterError');
    return toBase64(latin1(source));
}

function atob(text) {
    const buffer = fromBase64(`${text}`);
    if (buffer === null)
        throw new (platform().DOMException)('The text is not base64', 'InvalidCharacterError');
    return latin1Text(buffer);
}
