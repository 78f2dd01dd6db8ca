/* SPDX-License-Identifier: MIT */
/* Messages of a flow: showing them, and the forms in which clients read them. */
#include "flow/message.h"

#include <time.h>

#include "base/clock.h"
#include "base/id.h"

typedef struct {
    char text[48];
} time_buf;

typedef enum { TIME_OF_EVENTS, TIME_OF_RESULTS } time_style;

static time_buf time_as(int64_t wall_us, time_style style)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    time_buf out;
    struct tm t;

    gmtime_r(&seconds, &t);
    if (style == TIME_OF_EVENTS)
        strftime(out.text, sizeof out.text, "%Y-%m-%d %H:%M:%S UTC", &t);
    else
        strftime(out.text, sizeof out.text, "%Y-%m-%dT%H:%M:%S+00:00", &t);
    return out;
}

static json_t *properties_json(const flow_message *m, bool partial)
{
    json_t *o = json_object(), *from = json_object();

    json_set_str(from, "id", m->source_id);
    json_set_str(from, "display_name", m->source_name);
    json_set_str(from, "source", m->source_model != NULL ? m->source_model : m->source_name);
    json_set_str(o, "text_color", "");
    json_set_str(o, "background_color", "");
    json_set_bool(o, "edited", false);
    json_set(o, "source", from);
    json_set_str(o, "icon", "");
    json_set_bool(o, "allow_markdown", false);
    json_set(o, "positive_feedback", json_null());
    json_set_str(o, "state", partial ? "partial" : "complete");
    json_set(o, "targets", json_array());
    return o;
}

/* Everything but the id and the timestamp, which differ by place.  `text` is the message's, shared. */
static json_t *core_json(const flow_message *m, json_t *text, const char *flow_id, const char *time, bool partial)
{
    json_t *o = json_object();

    json_set_str(o, "timestamp", time);
    json_set_str(o, "sender", m->sender);
    json_set_str(o, "sender_name", m->sender_name);
    json_set_str(o, "session_id", m->session_id);
    json_set_str(o, "context_id", m->context_id != NULL ? m->context_id : "");
    json_set(o, "text", json_incref(text));
    json_set(o, "files", m->files != NULL ? json_incref(m->files) : json_array());
    json_set_bool(o, "error", false);
    json_set_bool(o, "edit", false);
    json_set(o, "properties", properties_json(m, partial));
    json_set_str(o, "category", "message");
    json_set(o, "content_blocks", json_array());
    json_set_str(o, "flow_id", flow_id);
    json_set(o, "duration", json_null());
    return o;
}

json_t *flow_message_json(const flow_message *m, const char *flow_id, bool partial)
{
    json_t *text = json_str(m->text), *o = core_json(m, text, flow_id, time_as(m->time, TIME_OF_EVENTS).text, partial);

    json_decref(text);
    json_set_str(o, "id", m->id);
    return o;
}

json_t *flow_message_result(const flow_message *m, json_t *text, const char *flow_id)
{
    time_buf time = time_as(m->time, TIME_OF_RESULTS);
    json_t *o = core_json(m, text, flow_id, time.text, false), *data = core_json(m, text, flow_id, time.text, false);

    if (m->id != NULL)
        json_set_str(data, "id", m->id);
    json_set_str(o, "text_key", "text");
    json_set(o, "data", data);
    json_set_str(o, "default_value", "");
    return o;
}

static void remember(flow_record *r, flow_message *m)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i] == m)
            return;
    if (r->n == r->cap) {
        flow_message **grown = arena_array(r->a, flow_message *, r->cap == 0 ? 8 : r->cap * 2);

        if (r->n > 0)
            memcpy(grown, r->items, r->n * sizeof *grown);
        r->items = grown;
        r->cap = r->cap == 0 ? 8 : r->cap * 2;
    }
    r->items[r->n++] = m;
}

static err emit(component_call *c, const char *name, json_t *data)
{
    buf b = BUF_INIT(run_room(c->run));
    json_t *o = json_object();
    err e;

    json_set_str(o, "event", name);
    json_set(o, "data", data);
    json_write(&b, o);
    json_decref(o);
    e = run_emit_buf(c->s, c->run, EV_OUTPUT, NULL, &b);
    buf_close(&b);
    return e;
}

err component_show(component_call *c, flow_message *m, bool partial)
{
    if (m->id == NULL)
        m->id = id_uuid4(c->s->arena);
    if (m->time == 0)
        m->time = clock_wall();
    if (!partial)
        remember(c->record, m);
    if (!cstr_eq(m->sender, "User"))
        run_answer_begins(c->run);
    return emit(c, "add_message", flow_message_json(m, c->flow_id, partial));
}

err component_token(component_call *c, const flow_message *m, str piece)
{
    buf b = BUF_INIT(MIB(64)); /* more than any piece with all its characters escaped */
    err e;

    /* Straight into the buffer: this is the hot path of a streamed answer. */
    buf_puts(&b, "{\"event\":\"token\",\"data\":{\"chunk\":");
    json_put_string(&b, piece.p, piece.len);
    buf_puts(&b, ",\"id\":");
    json_put_cstr(&b, m->id);
    buf_puts(&b, ",\"timestamp\":");
    json_put_cstr(&b, time_as(clock_wall(), TIME_OF_EVENTS).text);
    buf_puts(&b, "}}");
    e = run_emit(c->s, c->run, EV_OUTPUT, NULL, buf_str(&b), b.len);
    buf_close(&b);
    return e;
}
