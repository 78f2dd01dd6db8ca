/* SPDX-License-Identifier: MIT */
/*
 * The watchdog; see watchdog.h.  A turn is the time between two waits for events: libuv looks at the clock when a wait ends,
 * with a grain of some milliseconds.  (Its own count of idle time would cost a second epoll_wait() in every turn.)
 *
 * The log line comes after the turn.  What helps more is where the loop is while it is stuck: in debug builds a thread
 * looks every 25 ms and sends a signal to a loop that is late, whose handler prints a backtrace, once a turn.
 */
#include "rt/watchdog.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define TURN_TOO_LONG MILLISECONDS(50)

void watchdog_turn_begins(loop *l)
{
    l->turn_start = MILLISECONDS((int64_t)uv_now(&l->uv));
    atomic_store_explicit(&l->turn_began, clock_mono(), memory_order_relaxed);
}

void watchdog_turn_ends(loop *l)
{
    int64_t held = l->turn_start != 0 ? clock_mono() - l->turn_start : 0;

    atomic_store_explicit(&l->turn_began, 0, memory_order_relaxed);
    if (held > loop_longest_turn(l))
        atomic_store_explicit(&l->longest_turn, held, memory_order_relaxed);
    if (held > TURN_TOO_LONG)
        log_warn("loop held", log_int("ms", held / 1000000), log_int("loop", (int64_t)l->index),
                 log_str("fiber", l->slowest_label), log_int("fiber_ms", l->slowest_slice / 1000000));
    l->slowest_slice = 0;
    l->slowest_label = NULL;
}

#ifdef NDEBUG

void watchdog_start(void)
{
}

void watchdog_stop(void)
{
}

void watchdog_attach(loop *l)
{
    (void)l;
}

void watchdog_detach(loop *l)
{
    (void)l;
}

#else

#include <execinfo.h>

enum { LOOK_EVERY_MS = 25, FRAMES = 32 };

static pthread_t watcher;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stop_changed = PTHREAD_COND_INITIALIZER;
static bool stop;
static bool attached[LOOPS_MAX]; /* under the lock: the thread is there and may be sent a signal */
static int64_t reported[LOOPS_MAX];

static void on_stuck(int sig)
{
    static const char text[] = "sluice: the loop is stuck here:\n";
    void *frames[FRAMES];
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);

    (void)sig;
    (void)n;
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
}

static void look(void)
{
    int64_t now = clock_mono();

    for (size_t i = 0; i < loop_count(); i++) {
        loop *l = loop_at(i);
        int64_t began = atomic_load_explicit(&l->turn_began, memory_order_relaxed);

        if (!attached[i] || began == 0 || began == reported[i] || now - began < TURN_TOO_LONG)
            continue;
        reported[i] = began;
        pthread_kill(l->id, SIGRTMAX - 1);
    }
}

static void *watch(void *arg)
{
    pthread_mutex_lock(&lock);
    while (!stop) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&stop_changed, &lock, &until);
        look();
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

void watchdog_start(void)
{
    struct sigaction a = {.sa_handler = on_stuck, .sa_flags = SA_RESTART};
    void *frames[1];

    backtrace(frames, 1); /* loads its library now, not in the handler */
    sigemptyset(&a.sa_mask);
    sigaction(SIGRTMAX - 1, &a, NULL);
    memset(reported, 0, sizeof reported);
    stop = false;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        stop = true;
}

void watchdog_stop(void)
{
    bool started;

    pthread_mutex_lock(&lock);
    started = !stop;
    stop = true;
    pthread_cond_signal(&stop_changed);
    pthread_mutex_unlock(&lock);
    if (started)
        pthread_join(watcher, NULL);
}

void watchdog_attach(loop *l)
{
    pthread_mutex_lock(&lock);
    l->id = pthread_self();
    attached[l->index] = true;
    pthread_mutex_unlock(&lock);
}

void watchdog_detach(loop *l)
{
    pthread_mutex_lock(&lock);
    attached[l->index] = false;
    pthread_mutex_unlock(&lock);
}

#endif
