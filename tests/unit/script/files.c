/* SPDX-License-Identifier: MIT */
/* Tests of script/files.c: the limits; what needs a server is in tests/api. */
#include "script/files.h"

#include "test.h"

#define MB ((int64_t)1024 * 1024)

TEST(each_kind_of_file_has_its_limit)
{
    static const struct {
        const char *mime, *name;
        int64_t megabytes;
    } cases[] = {
        {"application/pdf", "a.pdf", 256}, {"application/octet-stream", "a.docx", 256},
        {"text/plain", "notes", 256},      {"image/png", "a.png", 20},
        {"video/mp4", "a.mp4", 20},        {"audio/mpeg", "a.mp3", 200},
        {"text/csv", "table", 30},         {"application/octet-stream", "TABLE.XLSX", 30},
        {"application/zip", "a.zip", 10},  {"application/octet-stream", ".csv", 10},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(files_limit(cases[i].mime, cases[i].name) == cases[i].megabytes * MB, "%s", cases[i].name);
}
