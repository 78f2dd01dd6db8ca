/* SPDX-License-Identifier: MIT */
/* Prompt templates in both of their languages. */
#include "flow/component.h"
#include "test.h"

/* The prompt with fields name="Ann" and text="{name}"; an error's sentence instead when there is one. */
static const char *filled(scope *s, const char *template, bool twice, err *e)
{
    json_t *fields =
        json_pack("{s:{s:s},s:{s:b},s:{s:s},s:{s:s}}", "template", "value", template, "use_double_brackets", "value",
                  twice, "name", "value", "Ann", "text", "value", "{name} {{name}}");
    graph_node n = {.id = "Prompt-1", .template = json_hold(s->arena, fields), .component = &prompt_component};
    graph g = {.nodes = &n, .n_nodes = 1};
    component_call c = {.s = s, .graph = &g, .node = &n, .session_id = "s"};
    flow_value out;

    *e = prompt_component.outputs[0].produce(&c, &out);
    if (*e != OK)
        return s->failure.text;
    CHECK(out.kind == VALUE_MESSAGE, "a message");
    return out.message->text;
}

FIBER_TEST(variables_are_put_in_once)
{
    static const struct {
        const char *template;
        bool twice;
        const char *text; /* NULL: refused */
    } cases[] = {
        {"Hello {name}!", false, "Hello Ann!"},
        {"{name}{name}", false, "AnnAnn"},
        {"{{name}} {{ }} }}", false, "{name} { } }"},
        {"{text}", false, "{name} {{name}}"},
        {"", false, ""},
        {"no variables", false, "no variables"},
        {"{missing}", false, NULL},
        {"{name", false, NULL},
        {"name}", false, NULL},
        {"{}", false, NULL},
        {"Hello {{name}}!", true, "Hello Ann!"},
        {"{{ name }} {name} }}", true, "Ann {name} }}"},
        {"{{text}}", true, "{name} {{name}}"},
        {"{{missing}}.", true, "."},
        {"{{name", true, NULL},
        {"{{#name}}{{/name}}", true, NULL},
        {"{{{name}}}", true, NULL},
        {"{{1st}}", true, NULL},
        {"{{a b}}", true, NULL},
        {"{{}}", true, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        err e;
        const char *text = filled(s, cases[i].template, cases[i].twice, &e);

        CHECK((e == OK) == (cases[i].text != NULL), "%s: %s", cases[i].template, text);
        if (cases[i].text != NULL)
            CHECK_STR(text, cases[i].text);
        else
            CHECK(e == ERR_INVALID, "%s: %s", cases[i].template, text);
    }
}

FIBER_TEST(size_and_number_of_variables_are_limited)
{
    buf *many = buf_new(s->arena, MIB(1));
    char *big = arena_zalloc(s->arena, MIB(5) + 1, 1);
    err e;

    for (int i = 0; i < 2001; i++)
        buf_puts(many, "{name}");
    filled(s, buf_str(many), false, &e);
    CHECK(e == ERR_TOO_LARGE, "variables");
    memset(big, 'x', MIB(5));
    filled(s, big, true, &e);
    CHECK(e == ERR_TOO_LARGE, "text");
}
