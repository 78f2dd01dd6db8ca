/* SPDX-License-Identifier: MIT */
/*
 * analyze_image: shows an image to the model.
 *
 * The image goes into the next request as a part of a hidden message; the tool itself only checks and queues it.
 */
#include "tool/internal.h"

#include "base/id.h"
#include "net/client.h"

static err fetch_image(scope *s, const char *url, json_t **out)
{
    http_call call = {.method = GET, .url = url, .guard = GUARD_PUBLIC, .max_body = IMAGE_MAX, .max_redirects = 5};
    http_head head;
    str body;
    err e = http_fetch(s, &call, &head, &body);

    if (e == ERR_DENIED)
        *out = tool_failure("PERMISSION_DENIED", "%s", scope_failure(s, e).text);
    else if (e != OK)
        *out = tool_failure(e == ERR_TIMEOUT ? "TIMEOUT" : "NETWORK_ERROR", "%s", scope_failure(s, e).text);
    else if (head.status != 200)
        *out = tool_failure("NETWORK_ERROR", "The server answered with status %d", head.status);
    else {
        *out = image_encode(s->arena, body, url);
        return image_shrink(s, url, out);
    }
    return scope_check(s);
}

static json_t *no_vision(void)
{
    json_t *o = json_object();

    json_set_str(o, "status", "error");
    json_set_str(o, "message",
                 "The current agent model does not support image input. Choose a model that takes images, "
                 "or work from a text description.");
    return o;
}

static json_t *queued(scope *s, const char *path, const char *format)
{
    json_t *o = json_object(), *data = json_object();

    json_set_str(data, "image_path", path);
    json_set_str(data, "image_format", format);
    json_set_str(data, "guidance_id", id_uuid4(s->arena));
    json_set_str(data, "mode", "native_multimodal_context");
    json_set_str(o, "status", "success");
    json_set_str(o, "message", "The image is part of the next request.");
    json_set(o, "data", data);
    return o;
}

static err call_image(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *path = arg_str(args, "image_path", ""), *url;
    json_t *image;

    (void)t;
    if (!cx->multimodal)
        return answer_json(s, no_vision(), out);
    if (cstr_starts(path, "http://") || cstr_starts(path, "https://"))
        TRY(fetch_image(s, path, &image));
    else
        TRY(image_of_workspace(s, cx, path, &image));
    json_hold(s->arena, image);
    if ((url = json_get_str(image, "url", NULL)) == NULL)
        return answer_json(s, json_incref(image), out);
    if (!session_queue_image(cx->session, url))
        return answer_json(s, tool_failure("PRECONDITION_FAILED", "Too many images wait for the next request already"),
                           out);
    return answer_json(s, queued(s, path, json_get_str(image, "format", "")), out);
}

static const param params[] = {
    {"image_path", "string", "Path in the workspace, or URL, of a PNG, JPEG, GIF or WebP image", .required = true},
    {"prompt", "string", "What to look for"},
};

const builtin builtin_analyze_image = {
    .name = "analyze_image",
    .text = "Shows an image of the workspace or the web to the model with the next request.",
    PARAMS(params),
    .call = call_image,
    .timeout = SECONDS(90),
};
