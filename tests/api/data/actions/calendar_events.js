// SPDX-License-Identifier: MIT
//# Calendars and events over CalDAV
//@ auth {"url": "$BASE/calendar/", "user": "ada", "password": "pa:ss"}
//@ input {"from": "2026-02-01"}
//> {"calendars": ["/calendar/work.ics", "/calendar/home.ics"], "events": [{"summary": "Stand-up", "start": "20260201T090000Z"}, {"summary": "Lunch", "start": "20260201T120000Z"}]}
const authorization = 'Basic ' + btoa(`${data.auth.user}:${data.auth.password}`);
const found = await ld.request({
    method: 'PROPFIND',
    url: data.auth.url,
    headers: { Authorization: authorization, Depth: '1', 'Content-Type': 'application/xml; charset=utf-8' },
    body: '<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:displayname/></d:prop></d:propfind>',
});
if (found.status !== 207) throw new Error(`PROPFIND: ${found.status}`);
const calendars = [...found.text.matchAll(/<d:href>([^<]+)<\/d:href>/g)].map((m) => m[1]);
const start = new Date(data.input.from).toISOString().replace(/[-:]|\.\d{3}/g, '');
const report = await ld.request({
    method: 'REPORT',
    url: data.auth.url,
    headers: { Authorization: authorization, 'Content-Type': 'application/xml' },
    body: `<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav"><c:time-range start="${start}"/></c:calendar-query>`,
});
const events = report.text.split('BEGIN:VEVENT').slice(1).map((e) => ({ summary: /SUMMARY:(.*)/.exec(e)[1].trim(), start: /DTSTART:(.*)/.exec(e)[1].trim() }));
return { calendars, events };

//# Calendars and events over CalDAV, in the reference's dialect
//@ like
const call = (method, body, more) =>
    fetch(secrets.url, { method, body, headers: { authorization: `Basic ${btoa(secrets.user + ':' + secrets.password)}`, 'content-type': 'application/xml', ...more } });
const found = await call('PROPFIND', '<d:propfind xmlns:d="DAV:"><d:prop><d:displayname/></d:prop></d:propfind>', { depth: '1' });
if (found.status !== 207) throw new Error(`PROPFIND: ${found.status}`);
const calendars = Array.from((await found.text()).matchAll(/<d:href>([^<]+)<\/d:href>/g), ([, href]) => href);
const start = `${inputs.from.replaceAll('-', '')}T000000Z`;
const report = await call('REPORT', `<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav"><c:time-range start="${start}"/></c:calendar-query>`);
const text = await report.text();
const events = [...text.matchAll(/SUMMARY:(.*)\r\nDTSTART:(.*)\r/g)].map(([, summary, begin]) => ({ summary, start: begin }));
return { calendars, events };
