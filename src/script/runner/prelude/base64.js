// SPDX-License-Identifier: MIT
// atob and btoa.

const notBase64 = (sentence) => new (platform().DOMException)(sentence, 'InvalidCharacterError');

function btoa(text) {
    const source = `${text}`;
    if (matches(/[^\x00-\xff]/, source))
        throw notBase64('btoa takes characters up to U+00FF only; encode the text as UTF-8 first');
    return toBase64(latin1(source));
}

function atob(text) {
    const buffer = fromBase64(`${text}`);
    if (buffer === null)
        throw notBase64('The text is not base64');
    return latin1Text(buffer);
}
