// SPDX-License-Identifier: MIT
//# A trigger: events of a calendar, with times of a time zone
//@ kind "trigger"
//@ auth {"url": "$BASE/calendar/", "user": "ada", "password": "pa:ss"}
//@ last_poll "2026-02-01T00:00:00.000Z"
//> [{"id": "20260201T090000Z", "timestamp": "2026-02-01T09:00:00.000Z", "data": {"summary": "Stand-up", "at": "10:00"}}, {"id": "20260201T120000Z", "timestamp": "2026-02-01T12:00:00.000Z", "data": {"summary": "Lunch", "at": "13:00"}}]
const report = await ld.request({
    method: 'REPORT',
    url: data.auth.url,
    headers: { Authorization: 'Basic ' + btoa(`${data.auth.user}:${data.auth.password}`), 'Content-Type': 'application/xml' },
    body: `<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav"><c:time-range start="${lastPollTime.slice(0, 10)}"/></c:calendar-query>`,
});
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' });
return report.text.split('BEGIN:VEVENT').slice(1).map((e) => {
    const id = /DTSTART:(\S+)/.exec(e)[1];
    const [, y, mo, d, h, mi, s] = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(id);
    const at = new Date(Date.UTC(y, mo - 1, d, h, mi, s));
    return { id, timestamp: at.toISOString(), data: { summary: /SUMMARY:(.*)/.exec(e)[1].trim(), at: clock.format(at) } };
});

//# A trigger: events of a calendar, in the reference's dialect
//@ like
const response = await fetch(secrets.url, {
    method: 'REPORT',
    headers: { authorization: `Basic ${btoa(secrets.user + ':' + secrets.password)}`, 'content-type': 'application/xml' },
    body: `<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav"><c:time-range start="${lastPollTime}"/></c:calendar-query>`,
});
return [...(await response.text()).matchAll(/SUMMARY:(?<summary>.*)\r\nDTSTART:(?<id>.*)\r/g)].map(({ groups: { summary, id } }) => {
    const at = new Date(id.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'));
    return { id, timestamp: at.toISOString(), data: { summary, at: at.toLocaleTimeString('de-DE', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }) } };
});
