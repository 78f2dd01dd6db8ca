/* SPDX-License-Identifier: MIT */
/* Documents as graphs: limits, overrides, what runs and in which order. */
#include "flow/graph.h"

#include <stdio.h>

#include "flow/component.h"
#include "test.h"

/* {"nodes":[…],"edges":[…]} from short lists: "ChatInput-1 Prompt-2", "ChatInput-1>Prompt-2". */
static json_t *document(arena *a, const char *nodes, const char *edges)
{
    json_t *list = json_array(), *lines = json_array();
    str rest = str_of(nodes), one;

    while (rest.len > 0 && str_next(&rest, ' ', &one))
        json_array_append_new(list, json_pack("{s:s%,s:{s:{s:{s:{s:s,s:s},s:{s:s}}}}}", "id", one.p, one.len, "data",
                                              "node", "template", "input_value", "type", "str", "value", "literal",
                                              "code", "value", "print(1)"));
    rest = str_of(edges);
    while (rest.len > 0 && str_next(&rest, ' ', &one)) {
        str from, to = one;

        CHECK(str_next(&to, '>', &from), "an edge");
        json_array_append_new(lines, json_pack("{s:s%,s:s%,s:{s:{s:s},s:{s:s}}}", "source", from.p, from.len, "target",
                                               to.p, to.len, "data", "sourceHandle", "name", "message", "targetHandle",
                                               "fieldName", "input_value"));
    }
    return json_hold(a, json_pack("{s:o,s:o}", "nodes", list, "edges", lines));
}

static graph *read(scope *s, const char *nodes, const char *edges)
{
    graph *g = NULL;

    CHECK(graph_read(s, s->arena, document(s->arena, nodes, edges), &g) == OK, "%s", s->failure.text);
    return g;
}

/* "A-1:0 B-2:1": what runs, with its layer. */
static const char *plan_of(scope *s, graph *g)
{
    const char *text = "";

    CHECK(graph_plan(s, g) == OK, "%s", s->failure.text);
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].selected)
            text =
                arena_printf(s->arena, "%s%s%s:%zu", text, *text != '\0' ? " " : "", g->nodes[i].id, g->nodes[i].layer);
    return text;
}

FIBER_TEST(a_document_becomes_nodes_and_edges)
{
    graph *g = read(s, "ChatInput-1 LanguageModel-2 Strange-3", "ChatInput-1>LanguageModel-2 ChatInput-1>Nowhere-9");

    CHECK_INT(g->n_nodes, 3);
    CHECK_INT(g->n_edges, 1); /* an edge to nowhere is canvas state */
    CHECK_STR(g->nodes[0].type, "ChatInput");
    CHECK_STR(g->nodes[0].display_name, "Chat Input");
    CHECK(g->nodes[2].component == NULL, "not known here");
    CHECK(graph_is_input(&g->nodes[0]) && !graph_is_output(&g->nodes[0]), "by its role");
    CHECK(graph_edge_into(g, &g->nodes[1], "input_value") == &g->edges[0], "fed");
    CHECK(graph_edge_into(g, &g->nodes[1], "other") == NULL, "not fed");
    CHECK(graph_touches(g, &g->nodes[1], "ChatInput") && !graph_touches(g, &g->nodes[1], "ChatOutput"), "neighbours");
}

FIBER_TEST(what_is_no_flow_is_refused)
{
    static const struct {
        const char *text;
        err e;
    } cases[] = {
        {"{}", ERR_INVALID},
        {"{\"nodes\":{},\"edges\":[]}", ERR_INVALID},
        {"{\"nodes\":[],\"edges\":7}", ERR_INVALID},
        {"{\"nodes\":[7],\"edges\":[]}", ERR_INVALID},
        {"{\"nodes\":[{\"id\":\"a\"}],\"edges\":[]}", ERR_INVALID},
        {"{\"nodes\":[{\"data\":{}}],\"edges\":[]}", ERR_INVALID},
        {"{\"nodes\":[{\"id\":\"a\",\"data\":{\"node\":{\"template\":{}}}},{\"id\":\"a\",\"data\":{\"node\":{"
         "\"template\":{}}}}],\"edges\":[]}",
         ERR_INVALID},
        {"{\"nodes\":[],\"edges\":[]}", OK},
        {"{\"nodes\":[{\"id\":\"note\",\"data\":{\"node\":{}}}],\"edges\":[7,{},{\"source\":3}]}", OK},
        {"{\"nodes\":[{\"data\":{\"id\":\"inner\",\"node\":{\"template\":{}}}}],\"edges\":[]}", OK},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v;
        graph *g;

        CHECK(json_parse(s->arena, cases[i].text, strlen(cases[i].text), NULL, &v) == OK, "case %zu", i);
        CHECK(graph_read(s, s->arena, v, &g) == cases[i].e, "%s", cases[i].text);
        if (cases[i].e != OK)
            CHECK_STR(s->failure.code, "flow.invalid");
    }
}

FIBER_TEST(size_is_limited)
{
    json_t *many = json_array(), *v;
    graph *g;

    for (int i = 0; i < GRAPH_MAX_EDGES + 1; i++)
        json_array_append_new(many, json_object());
    v = json_hold(s->arena, json_pack("{s:[],s:o}", "nodes", "edges", many));
    CHECK(graph_read(s, s->arena, v, &g) == ERR_TOO_LARGE, "edges");
    v = json_hold(s->arena, json_pack("{s:O,s:[]}", "nodes", many, "edges"));
    CHECK(graph_read(s, s->arena, v, &g) == ERR_TOO_LARGE, "nodes");
}

FIBER_TEST(the_largest_chain_is_planned_quickly)
{
    buf *nodes = buf_new(s->arena, MIB(1)), *edges = buf_new(s->arena, MIB(1));
    graph *g;

    for (int i = GRAPH_MAX_NODES; i > 0; i--) /* backwards: the worst order */
        buf_printf(nodes, "ChatInput-%d%s", i, i > 1 ? " " : "");
    for (int i = GRAPH_MAX_NODES - 1; i > 0; i--)
        buf_printf(edges, "ChatInput-%d>ChatInput-%d%s", i, i + 1, i > 1 ? " " : "");
    g = read(s, buf_str(nodes), buf_str(edges));
    CHECK(graph_plan(s, g) == OK, "planned");
    CHECK_INT(g->nodes[0].layer, g->nodes[0].selected ? GRAPH_MAX_NODES - 1 : 0);
}

FIBER_TEST(nodes_run_behind_what_feeds_them)
{
    CHECK_STR(plan_of(s, read(s, "C-3 B-2 A-1", "A-1>B-2 B-2>C-3 A-1>C-3")), "C-3:2 B-2:1 A-1:0");
    CHECK_STR(plan_of(s, read(s, "A-1 B-2 C-3", "")), "A-1:0 B-2:0 C-3:0");
    CHECK_STR(plan_of(s, read(s, "A-1 B-2", "A-1>B-2 A-1>B-2")), "A-1:0 B-2:1");
    CHECK_STR(plan_of(s, read(s, "", "")), "");
}

FIBER_TEST(with_a_chat_input_only_what_belongs_to_it_runs)
{
    CHECK_STR(plan_of(s, read(s, "File-9 Store-8 ChatInput-1 Prompt-2 TextInput-3",
                              "ChatInput-1>Prompt-2 TextInput-3>Prompt-2 File-9>Store-8")),
              "ChatInput-1:0 Prompt-2:1 TextInput-3:0");
}

FIBER_TEST(cycles_are_refused_with_their_code)
{
    static const char *const cycles[] = {"A-1>A-1", "A-1>B-2 B-2>A-1", "A-1>B-2 B-2>C-3 C-3>B-2"};

    for (size_t i = 0; i < COUNT(cycles); i++) {
        CHECK(graph_plan(s, read(s, "A-1 B-2 C-3", cycles[i])) == ERR_UNSUPPORTED, "%s", cycles[i]);
        CHECK_STR(s->failure.code, "flow.cycle");
    }
}

static graph *tweaked(scope *s, json_t *tweaks)
{
    graph *g = read(s, "ChatInput-1 ChatInput-2 Prompt-3", "");

    graph_tweak(s->arena, g, json_hold(s->arena, tweaks), false);
    return g;
}

FIBER_TEST(tweaks_reach_nodes_by_id_by_name_and_all_of_them)
{
    graph *g = tweaked(s, json_pack("{s:{s:s}}", "ChatInput-2", "input_value", "by id"));

    CHECK_STR(node_text(&g->nodes[1], "input_value", ""), "by id");
    CHECK_STR(node_text(&g->nodes[0], "input_value", ""), "literal");
    g = tweaked(s, json_pack("{s:{s:s}}", "Prompt Template", "input_value", "by name"));
    CHECK_STR(node_text(&g->nodes[2], "input_value", ""), "by name");
    g = tweaked(s, json_pack("{s:s}", "input_value", "everywhere"));
    for (size_t i = 0; i < 3; i++)
        CHECK_STR(node_text(&g->nodes[i], "input_value", ""), "everywhere");
    g = tweaked(s, json_pack("{s:{s:{s:s,s:s}}}", "ChatInput-1", "input_value", "value", "inner", "type", "int"));
    CHECK_STR(node_text(&g->nodes[0], "input_value", ""), "inner");
    CHECK_STR(json_get_str(json_get_obj(g->nodes[0].template, "input_value"), "type", ""), "str");
}

FIBER_TEST(tweaks_change_neither_code_nor_what_is_not_there)
{
    graph *g = tweaked(s, json_pack("{s:s,s:{s:s,s:s},s:{s:s}}", "code", "evil()", "ChatInput-1", "code", "evil()",
                                    "invented", "x", "Nobody-7", "input_value", "x"));

    CHECK_STR(node_text(&g->nodes[0], "code", ""), "print(1)");
    CHECK(node_field(&g->nodes[0], "invented") == NULL, "no new fields");
    graph_tweak(s->arena, g, NULL, true);
    graph_tweak(s->arena, g, json_hold(s->arena, json_array()), true);
}

FIBER_TEST(a_nested_object_may_be_tweaked_as_text)
{
    static const char *const cases[][2] = {
        {"{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":[1]}}"},
        {"no object", "\"no object\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        graph *g = read(s, "A-1", "");
        json_t *field = json_get_obj(g->nodes[0].template, "input_value");

        json_set_str(field, "type", "NestedDict");
        graph_tweak(s->arena, g, json_hold(s->arena, json_pack("{s:s}", "input_value", cases[i][0])), false);
        CHECK_STR(json_text(s->arena, node_field(&g->nodes[0], "input_value")), cases[i][1]);
    }
}

FIBER_TEST(texts_of_the_document_may_spell_line_breaks)
{
    static const char *const cases[][2] = {
        {"a\\nb", "a\nb"}, {"\\n\\n", "\n\n"}, {"a\nb", "a\nb"}, {"\\t\\", "\\t\\"}, {"n\\", "n\\"}, {"", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        graph *g = read(s, "A-1", "");

        node_set(&g->nodes[0], "input_value", json_string(cases[i][0]));
        graph_break_lines(s->arena, g);
        CHECK_STR(node_text(&g->nodes[0], "input_value", "-"), cases[i][1]);
        json_set_str(json_get_obj(g->nodes[0].template, "input_value"), "type", "prompt");
        node_set(&g->nodes[0], "input_value", json_string(cases[i][0]));
        graph_break_lines(s->arena, g);
        CHECK_STR(node_text(&g->nodes[0], "input_value", "-"), cases[i][0]); /* other kinds are taken as they are */
    }
}

FIBER_TEST(nodes_share_a_long_text_that_goes_to_all_of_them)
{
    graph *g = read(s, "A-1 B-2 C-3", "");
    char *text = arena_zalloc(s->arena, 10001, 1);
    json_t *value = json_hold(s->arena, json_string(memset(text, 'x', 10000)));

    graph_tweak(s->arena, g, json_hold(s->arena, json_pack("{s:O}", "input_value", value)), false);
    graph_break_lines(s->arena, g);
    CHECK(node_field(&g->nodes[0], "input_value") == value && node_field(&g->nodes[2], "input_value") == value,
          "as it was given");
    memcpy(text + 5000, "\\n", 2);
    value = json_hold(s->arena, json_string(text));
    graph_tweak(s->arena, g, json_hold(s->arena, json_pack("{s:O}", "input_value", value)), false);
    graph_break_lines(s->arena, g);
    CHECK(strncmp(node_text(&g->nodes[0], "input_value", "") + 4999, "x\nx", 3) == 0, "with the line break");
    CHECK(node_field(&g->nodes[0], "input_value") == node_field(&g->nodes[2], "input_value"), "changed once");
    graph_tweak(s->arena, g, json_hold(s->arena, json_pack("{s:s}", "input_value", "y")), false);
    CHECK_STR(json_string_value(value) + 9999, "x"); /* replaced, not changed */
}

FIBER_TEST(fields_are_read_by_type)
{
    graph *g = read(s, "A-1", "");
    graph_node *n = &g->nodes[0];

    CHECK(!node_flag(n, "input_value", true), "a text that is not true");
    node_set(n, "input_value", json_string("TRUE"));
    CHECK(node_flag(n, "input_value", false), "a text that is");
    node_set(n, "input_value", json_string("0.5"));
    CHECK(node_number(n, "input_value", 7) == 0.5, "a text as number");
    node_set(n, "input_value", json_string("many"));
    CHECK(node_number(n, "input_value", 7) == 7, "no number");
    node_set(n, "input_value", json_null());
    CHECK(node_field(n, "input_value") == NULL && node_flag(n, "input_value", true), "null is nothing");
    node_set(n, "nowhere", json_string("x"));
    CHECK(node_field(n, "nowhere") == NULL, "only fields that exist are set");
    CHECK_STR(node_text(n, "input_value", "fallback"), "fallback");
}
