/* SPDX-License-Identifier: MIT */
/* Counting and rendering metrics. */
#include "net/metrics.h"

#include <pthread.h>

#include "rt/sleep.h"
#include "test.h"

static const char *const colours[] = {"colour=\"red\"", "colour=\"blue\"", NULL};

TEST(metrics_render_as_prometheus_text_in_the_order_of_their_names)
{
    static metric plain = {.name = "b_total", .kind = METRIC_COUNTER, .help = "Things"};
    static metric coloured = {.name = "a_open", .kind = METRIC_GAUGE, .help = "Open", .series = colours};
    buf out = BUF_INIT(KIB(64));

    metrics_register(&plain);
    metrics_register(&coloured);
    metrics_register(&plain);
    metric_add(&plain, 0, 2);
    metric_add(&plain, 0, 3);
    metric_add(&coloured, 1, 7);
    metric_add(&coloured, 1, -9);
    metrics_render(&out);
    CHECK_STR(buf_str(&out), "# HELP a_open Open\n# TYPE a_open gauge\n"
                             "a_open{colour=\"red\"} 0\na_open{colour=\"blue\"} -2\n"
                             "# HELP b_total Things\n# TYPE b_total counter\nb_total 5\n");
    buf_reset(&out);
    metrics_unregister(&plain);
    metrics_unregister(&coloured);
    metrics_render(&out);
    CHECK_STR(buf_str(&out), "");
    buf_close(&out);
}

TEST(histograms_count_into_cumulative_buckets)
{
    static metric took = {.name = "took_seconds", .kind = METRIC_SECONDS, .help = "Time", .series = colours};
    buf out = BUF_INIT(KIB(64));

    metrics_register(&took);
    metric_observe(&took, 1, MILLISECONDS(1));
    metric_observe(&took, 1, MILLISECONDS(1) + 1);
    metric_observe(&took, 1, SECONDS(100));
    CHECK_INT(metric_total(&took, 0), 0);
    CHECK_INT(metric_total(&took, 1), 3);
    metrics_render(&out);
    CHECK(strstr(buf_str(&out), "took_seconds_bucket{colour=\"blue\",le=\"0.0005\"} 0\n") != NULL, "below");
    CHECK(strstr(buf_str(&out), "took_seconds_bucket{colour=\"blue\",le=\"0.001\"} 1\n") != NULL,
          "bounds are inclusive");
    CHECK(strstr(buf_str(&out), "took_seconds_bucket{colour=\"blue\",le=\"0.0025\"} 2\n") != NULL, "cumulative");
    CHECK(strstr(buf_str(&out), "took_seconds_bucket{colour=\"blue\",le=\"60\"} 2\n") != NULL, "the largest bound");
    CHECK(strstr(buf_str(&out), "took_seconds_bucket{colour=\"blue\",le=\"+Inf\"} 3\n") != NULL, "above all bounds");
    CHECK(strstr(buf_str(&out), "took_seconds_sum{colour=\"blue\"} 100.002\n") != NULL, "sum in %s", buf_str(&out));
    CHECK(strstr(buf_str(&out), "took_seconds_count{colour=\"blue\"} 3\n") != NULL, "count");
    metrics_unregister(&took);
    buf_close(&out);
}

static double three_halves(size_t series)
{
    return 1.5 + (double)series;
}

TEST(gauges_kept_elsewhere_are_read_when_rendered)
{
    static metric read = {.name = "x", .kind = METRIC_GAUGE, .help = "X", .series = colours, .read = three_halves};
    buf out = BUF_INIT(KIB(64));

    metrics_register(&read);
    metrics_render(&out);
    CHECK_STR(buf_str(&out), "# HELP x X\n# TYPE x gauge\nx{colour=\"red\"} 1.5\nx{colour=\"blue\"} 2.5\n");
    metrics_unregister(&read);
    buf_close(&out);
}

static metric shared = {.name = "shared_total", .kind = METRIC_COUNTER, .help = "From many threads"};

static void *count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        metric_add(&shared, 0, 1);
    return NULL;
}

TEST(threads_that_are_no_loop_lose_no_count)
{
    pthread_t threads[4];

    metrics_register(&shared);
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, count_up, NULL) == 0, "thread");
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(metric_total(&shared, 0), 40000);
    metrics_unregister(&shared);
}

static metric spread = {.name = "spread_total", .kind = METRIC_COUNTER, .help = "From several loops"};
static metric open_now = {.name = "open_now", .kind = METRIC_GAUGE, .help = "Raised on one loop, lowered on another"};

static err count_on_a_loop(scope *root, void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        metric_add(&spread, 0, 1);
        if (i % 100 == 0 && sleep_for(root, MILLISECONDS(1)) != OK)
            return ERR_CANCELLED;
    }
    metric_add(&open_now, 0, loop_index(root->loop) == 0 ? 3 : -1);
    return OK;
}

TEST(loops_count_apart_and_are_summed)
{
    metrics_register(&spread);
    metrics_register(&open_now);
    CHECK_INT(loops_run(4, count_on_a_loop, NULL), 0);
    CHECK_INT(metric_total(&spread, 0), 4000);
    CHECK_INT(metric_total(&open_now, 0), 0);
    metrics_unregister(&spread);
    metrics_unregister(&open_now);
}
