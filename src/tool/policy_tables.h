/* SPDX-License-Identifier: MIT */
/*
 * The command policy's tables: programs by name, subcommands, patterns of whole commands.  Sorted by subject; the first
 * row that fits counts.
 */
#ifndef TOOL_POLICY_TABLES_H
#define TOOL_POLICY_TABLES_H

#include "tool/policy.h"

typedef struct {
    const char *name; /* of the program; "mkfs*" by its beginning */
    policy_action action;
    const char *category;
} program_rule;

static const program_rule program_rules[] = {
    /* Become somebody else, change users. */
    {"sudo", POLICY_DENY, "privilege"},
    {"su", POLICY_DENY, "privilege"},
    {"doas", POLICY_DENY, "privilege"},
    {"visudo", POLICY_DENY, "privilege"},
    {"passwd", POLICY_DENY, "privilege"},
    {"useradd", POLICY_DENY, "privilege"},
    {"userdel", POLICY_DENY, "privilege"},
    {"usermod", POLICY_DENY, "privilege"},
    /* Disks. */
    {"dd", POLICY_DENY, "disk"},
    {"fdisk", POLICY_DENY, "disk"},
    {"parted", POLICY_DENY, "disk"},
    {"mkfs*", POLICY_DENY, "disk"},
    {"wipefs", POLICY_DENY, "disk"},
    {"format", POLICY_DENY, "disk"},
    /* The machine and its services. */
    {"shutdown", POLICY_DENY, "system"},
    {"reboot", POLICY_DENY, "system"},
    {"halt", POLICY_DENY, "system"},
    {"poweroff", POLICY_DENY, "system"},
    {"init", POLICY_DENY, "system"},
    {"systemctl", POLICY_DENY, "system"},
    {"service", POLICY_DENY, "system"},
    {"crontab", POLICY_DENY, "system"},
    {"at", POLICY_DENY, "system"},
    {"batch", POLICY_DENY, "system"},
    {"insmod", POLICY_DENY, "system"},
    {"rmmod", POLICY_DENY, "system"},
    {"modprobe", POLICY_DENY, "system"},
    /* Worth a look. */
    {"kill", POLICY_ASK, "process_control"},
    {"pkill", POLICY_ASK, "process_control"},
    {"killall", POLICY_ASK, "process_control"},
    {"chmod", POLICY_ASK, "permission_change"},
    {"chown", POLICY_ASK, "ownership_change"},
    {"chgrp", POLICY_ASK, "ownership_change"},
    {"shred", POLICY_ASK, "recursive_delete"},
};

typedef struct {
    const char *program, *subcommand;
    policy_action action;
    const char *category;
} subcommand_rule;

static const subcommand_rule subcommand_rules[] = {
    {"apk", "add", POLICY_ASK, "package_install"},         {"apt", "install", POLICY_ASK, "package_install"},
    {"apt-get", "install", POLICY_ASK, "package_install"}, {"brew", "install", POLICY_ASK, "package_install"},
    {"bun", "add", POLICY_ASK, "package_install"},         {"bun", "install", POLICY_ASK, "package_install"},
    {"cargo", "install", POLICY_ASK, "package_install"},   {"conda", "install", POLICY_ASK, "package_install"},
    {"dnf", "install", POLICY_ASK, "package_install"},     {"gem", "install", POLICY_ASK, "package_install"},
    {"go", "install", POLICY_ASK, "package_install"},      {"npm", "add", POLICY_ASK, "package_install"},
    {"npm", "ci", POLICY_ASK, "package_install"},          {"npm", "i", POLICY_ASK, "package_install"},
    {"npm", "install", POLICY_ASK, "package_install"},     {"pip", "install", POLICY_ASK, "package_install"},
    {"pip3", "install", POLICY_ASK, "package_install"},    {"pipx", "install", POLICY_ASK, "package_install"},
    {"pnpm", "add", POLICY_ASK, "package_install"},        {"pnpm", "install", POLICY_ASK, "package_install"},
    {"poetry", "add", POLICY_ASK, "package_install"},      {"uv", "add", POLICY_ASK, "package_install"},
    {"uv", "pip", POLICY_ASK, "package_install"},          {"yarn", "add", POLICY_ASK, "package_install"},
    {"yum", "install", POLICY_ASK, "package_install"},     {"git", "push", POLICY_ASK, "git_remote_write"},
    {"git", "send-email", POLICY_ASK, "git_send"},
};

/* Programs that run another one; options and their arguments come first. */
typedef struct {
    const char *name;
    int operands;           /* words of their own before the command: timeout's duration */
    const char *with_value; /* one-letter options that take the next word */
} wrapper;

static const wrapper wrappers[] = {
    {"builtin", 0, ""},   {"busybox", 0, ""},   {"command", 0, ""},       {"env", 0, "uSC"},   {"exec", 0, "a"},
    {"ionice", 0, "cnp"}, {"nice", 0, "n"},     {"nohup", 0, ""},         {"setsid", 0, ""},   {"stdbuf", 0, "ioe"},
    {"time", 0, "of"},    {"timeout", 1, "ks"}, {"xargs", 0, "IndLPsaE"}, {"unbuffer", 0, ""}, {"watch", 0, "n"},
};

static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"};
static const char *const fetchers[] = {"curl", "wget"};

/* What may run without anybody's look under APPROVAL_UNTRUSTED. */
static const char *const readers[] = {
    "basename", "cat",   "cd",     "cmp",       "comm",  "cut",   "date",    "df",     "diff", "dirname",  "du",
    "echo",     "egrep", "expr",   "false",     "fgrep", "file",  "fold",    "grep",   "head", "hostname", "id",
    "jq",       "ls",    "md5sum", "nl",        "nproc", "od",    "paste",   "printf", "ps",   "pwd",      "readlink",
    "realpath", "rg",    "seq",    "sha256sum", "sleep", "stat",  "strings", "tail",   "test", "tr",       "tree",
    "true",     "type",  "uname",  "uniq",      "wc",    "which", "whoami",  "[",
};
static const char *const git_readers[] = {"blame",     "describe", "diff", "log",   "ls-files",
                                          "rev-parse", "shortlog", "show", "status"};

/* Categories that the default rules let through. */
static const char *const allowed_by_default[] = {"package_install", "git_remote_write", "permission_change",
                                                 "process_control"};

typedef struct {
    const char *pattern;
    const char *category, *reason;
} text_rule;

static const text_rule text_rules[] = {
    {"\\(\\)\\s*\\{[^}]*\\|[^}]*&[^}]*\\}", "fork_bomb", "It starts copies of itself without end"},
    {"\\b(shutil\\.rmtree|os\\.removedirs)\\(\\s*['\"](/|~)['\"]", "destructive", "It deletes the whole file system"},
};

typedef struct {
    const char *category, *reason;
} category_text;

static const category_text category_texts[] = {
    {"empty", "The command is empty"},
    {"privilege", "It would change users or gain rights"},
    {"disk", "It works on disks and file systems directly"},
    {"system", "It controls the machine or its services"},
    {"destructive", "It deletes or opens up the file system as a whole"},
    {"device_write", "It writes to a device"},
    {"pipe_to_shell", "It runs what it downloads without anybody having read it"},
    {"process_control", "It stops processes"},
    {"permission_change", "It changes permissions"},
    {"ownership_change", "It changes who owns files"},
    {"package_install", "It installs packages"},
    {"git_remote_write", "It writes to a remote repository"},
    {"git_send", "It sends mail"},
    {"recursive_delete", "It deletes directories with everything in them"},
    {"redirect_outside", "It writes to a file outside the workspace"},
    {"unparsable", "What it does cannot be told from its text"},
    {"custom_policy_undecided", "A rule's pattern takes too long on a command like this"},
    {"untrusted_command", "It is not known to only read"},
};

#endif
