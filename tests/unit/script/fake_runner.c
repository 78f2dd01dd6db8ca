/* SPDX-License-Identifier: MIT */
/*
 * A runner that misbehaves, for the tests of the pool: what it does is in the code that it is given.  As a "template" it forks
 * like the real one.  While there is a file of its name with ".broken" behind it, what it forks does not start.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "script/frames.h"

static void say(const void *bytes, size_t len)
{
    if (send(0, bytes, len, MSG_NOSIGNAL) < 0)
        _exit(1);
}

static void say_frame(uint8_t type, uint32_t id, const char *json)
{
    uint8_t head[WIRE_HEAD];

    frames_head(head, type, id, strlen(json), 0);
    say(head, sizeof head);
    say(json, strlen(json));
}

/* The code of the run. */
static const char *hear_job(void)
{
    static char chunk[65536];
    static frame_reader r;
    ssize_t n;

    frames_open(&r);
    while ((n = read(0, chunk, sizeof chunk)) > 0) {
        str rest = {chunk, (size_t)n};
        script_frame f;
        err e;

        while (frames_next(&r, &rest, &f, &e))
            if (f.type == WIRE_RUN)
                return f.bytes.p;
    }
    _exit(1);
}

/* Asks for `url` and returns the text that came. */
static void ask(const char *url)
{
    static char chunk[65536], json[4096];
    static frame_reader r;
    ssize_t n;

    snprintf(json, sizeof json, "{\"op\":\"request\",\"url\":\"%s\"}", url);
    say_frame(WIRE_CALL, 1, json);
    frames_open(&r);
    while ((n = read(0, chunk, sizeof chunk)) > 0) {
        str rest = {chunk, (size_t)n};
        script_frame f;
        err e;

        while (frames_next(&r, &rest, &f, &e)) {
            bool there = memmem(f.bytes.p, f.bytes.len, "\nAuthorization: Basic dXNlcjpwQHNz", 34) != NULL;

            say_frame(WIRE_DONE, 0, there ? "{\"value\":\"sent\"}" : "{\"value\":\"not sent\"}");
            return;
        }
    }
}

static void flood(uint8_t type, const char *json)
{
    for (uint32_t id = 1;; id++)
        say_frame(type, id, json);
}

/* Calls with as much text as is taken, to an address that does not answer soon. */
static void hoard(const char *url)
{
    static char json[512 << 10];
    int n = snprintf(json, sizeof json, "{\"op\":\"request\",\"url\":\"%s\",\"x\":\"", url);

    memset(json + n, 'x', sizeof json - (size_t)n - 3);
    memcpy(json + sizeof json - 3, "\"}", 3);
    for (uint32_t id = 1; id <= SCRIPT_CALLS_MAX; id++)
        say_frame(WIRE_CALL, id, json);
    say_frame(WIRE_DONE, 0, "{\"value\":\"taken\"}");
}

static void fail_at_length(void)
{
    static char json[400000];
    int n = snprintf(json, sizeof json, "{\"kind\":\"throw\",\"message\":\"");

    memset(json + n, 'x', 300000);
    memcpy(json + n + 300000, "\"}", 2);
    say_frame(WIRE_FAIL, 0, json);
}

static void give_file(const char *name)
{
    char json[500];

    snprintf(json, sizeof json, "{\"at\":[],\"name\":\"%s\",\"mime\":\"a\\r\\nb: c\"}", name);
    say_frame(WIRE_FILE, 0, json);
    say_frame(WIRE_DONE, 0, "{\"value\":{}}");
}

static void misbehave(const char *what)
{
    static const uint8_t huge[WIRE_HEAD] = {0xff, 0xff, 0xff, 0xff, WIRE_DONE};
    static const char zeros[1024];

    if (strncmp(what, "ask ", 4) == 0)
        ask(what + 4);
    else if (strncmp(what, "hoard ", 6) == 0)
        hoard(what + 6);
    else if (strncmp(what, "file ", 5) == 0)
        give_file(what + 5);
    else if (strcmp(what, "long failure") == 0)
        fail_at_length();
    else if (strcmp(what, "large number") == 0)
        say_frame(WIRE_DONE, 0, "{\"value\":99999999999999999999}");
    else if (strcmp(what, "garbage") == 0)
        say("HTTP/1.1 200 OK\r\n\r\n", 19);
    else if (strcmp(what, "huge") == 0)
        say(huge, sizeof huge);
    else if (strcmp(what, "half") == 0)
        say(huge, 5);
    else if (strcmp(what, "ready twice") == 0)
        say_frame(WIRE_READY, 0, "{}");
    else if (strcmp(what, "no json") == 0)
        say_frame(WIRE_DONE, 0, "{\"value\":");
    else if (strcmp(what, "no value") == 0)
        say_frame(WIRE_DONE, 0, "{}");
    else if (strcmp(what, "odd failure") == 0)
        say_frame(WIRE_FAIL, 0, "{\"kind\":7}");
    else if (strcmp(what, "odd file") == 0)
        say_frame(WIRE_FILE, 0, "{\"at\":[\"files\"],\"name\":\"../../etc/passwd\"}");
    else if (strcmp(what, "lost file") == 0) {
        say_frame(WIRE_FILE, 0, "{\"at\":[\"files\",7],\"name\":\"a\",\"mime\":\"b\"}");
        say_frame(WIRE_DONE, 0, "{\"value\":{\"files\":[]}}");
    } else if (strcmp(what, "many calls") == 0)
        flood(WIRE_CALL, "{\"op\":\"request\",\"url\":\"http://127.0.0.1:1/\"}");
    else if (strcmp(what, "odd calls") == 0) {
        say_frame(WIRE_CALL, 1, "[]");
        say_frame(WIRE_CALL, 1, "{\"op\":\"file\",\"index\":5}");
        say_frame(WIRE_CALL, 2, "{\"op\":\"none\"}");
        say_frame(WIRE_CALL, 3, "nonsense");
        say_frame(WIRE_CALL, 4, "{\"op\":\"request\",\"url\":7,\"headers\":{\"a\":1},\"max\":-1}");
        say_frame(WIRE_DONE, 0, "{\"value\":1}");
    } else if (strcmp(what, "many logs") == 0)
        flood(WIRE_LOG, "{\"level\":\"log\",\"text\":\"x\"}");
    else if (strcmp(what, "many files") == 0)
        flood(WIRE_FILE, "{\"at\":[],\"name\":\"a\",\"mime\":\"b\"}");
    else if (strcmp(what, "slow") == 0)
        for (const char *c = "\0\0\0\x15\x07\0\0\0\0\0\0\0\x0c{\"value\":17}";; c++) {
            say(c, 1);
            poll(NULL, 0, 3);
            if (c[0] == '}')
                break;
        }
    else if (strcmp(what, "deaf") == 0)
        for (;;)
            pause();
    else if (strcmp(what, "zeros") == 0)
        say(zeros, sizeof zeros);
    else
        say_frame(WIRE_DONE, 0, "{\"value\":\"fine\",\"ms\":1e300}");
}

static bool is_broken(const char *self)
{
    char path[4096];

    snprintf(path, sizeof path, "%s.broken", self);
    return access(path, F_OK) == 0;
}

/* As the real template, for one fork at a time. */
static void serve_forks(const char *self)
{
    for (;;) {
        char byte, room[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec part = {&byte, 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        int fd, pidfd;
        pid_t pid;

        if (recvmsg(0, &m, 0) != 1)
            _exit(0);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
        if ((pid = fork()) == 0) {
            if (is_broken(self))
                _exit(1);
            dup2(fd, 0);
            return;
        }
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &pidfd, sizeof pidfd);
        if (sendmsg(0, &m, MSG_NOSIGNAL) != 1)
            _exit(1);
        close(fd);
        close(pidfd);
    }
}

int main(int argc, char **argv)
{
    signal(SIGCHLD, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "template") == 0)
        serve_forks(argv[0]);
    say_frame(WIRE_READY, 0, "{\"version\":1}");
    misbehave(hear_job());
    return 0;
}
