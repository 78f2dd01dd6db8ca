/* SPDX-License-Identifier: MIT */
/* The table of components: a new one is a file in components/ and a line here. */
#include "flow/component.h"

static const flow_component *const components[] = {
    &chat_input_component, &chat_output_component, &language_model_component,
    &prompt_component,     &text_input_component,  &text_output_component,
};

const flow_component *component_find(const char *type)
{
    for (size_t i = 0; i < COUNT(components); i++)
        for (size_t t = 0; t < COUNT(components[i]->types) && components[i]->types[t] != NULL; t++)
            if (cstr_eq(components[i]->types[t], type))
                return components[i];
    return NULL;
}
