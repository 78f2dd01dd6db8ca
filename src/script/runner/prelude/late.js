// SPDX-License-Identifier: MIT
// The second half of the prelude: the platform's classes and what few scripts need (platform.js names them).  Its code is parsed when
// something of it is first used, since parsing is most of what a fresh VM costs.
//
// The first half asks about objects of these classes through `late`: before the classes exist there are none of them.

const no = () => false;
const late = record({
    isUrl: no, // urlRecord(url): its parts, of address.js
    isParams: no, // paramsText(params)
    isBlob: no, // blobBytes(blob): a plain Uint8Array, not to be changed
    isFormData: no, // formDataPairs(data): a list of {name, value}; a value is a text or a Blob
    isHeaders: no, // headerPairs(headers): the list of {name, value}
    isSignal: no, // signalOn(signal, f): calls f(reason) at abort, at once when that has been
});

const loadPlatform = native.platform;
const platform = lazy(() => loadPlatform()(shared()));
