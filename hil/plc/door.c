/* The side door: JSON lines on a Unix socket, for the demo and the tests. Nothing of it exists in a
   real plant. {"do":"plug",...}, {"do":"panel","words":{...}}, {"do":"status"}. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "plc.h"

enum { CALLERS_MOST = 8, LINE_MOST = 4096, ANSWER_MOST = 8192 };

static int listener = -1;

typedef struct {
    char what[WORD_LENGTH], log[WORD_LENGTH], start[WORD_LENGTH];
    plc_plug plug;
    bool set[PANEL], value[PANEL];
    bool wrong_button;
    char unknown[WORD_LENGTH];
} request;

/* Bind by way of the folder, because the name of a Unix socket must be short. */
bool door_listen(plc *p)
{
    char folder[PATH_MAX], name[PATH_MAX];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(folder, sizeof folder, "%s", p->door);
    snprintf(name, sizeof name, "%s", p->door);
    const int place = open(dirname(folder), O_DIRECTORY | O_PATH | O_CLOEXEC);
    if (place < 0)
        return false;
    unlink(p->door);
    const int length =
        snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", place, basename(name));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    umask(0077); /* for the owner of the folder only */
    const bool listening = length < (int)sizeof at.sun_path && listener >= 0 &&
                           bind(listener, (struct sockaddr *)&at, sizeof at) == 0 &&
                           listen(listener, CALLERS_MOST) == 0;
    close(place);
    return listening;
}

static bool take_panel(request *r, const json_value *v)
{
    for (int i = 0; i < PANEL; i++) {
        if (strcmp(v->name, mixer_panel_names[i]) == 0) {
            r->set[i] = true;
            r->value[i] = v->number != 0.0;
            return !v->is_text && !v->is_nothing;
        }
    }
    r->wrong_button = true;
    snprintf(r->unknown, sizeof r->unknown, "%s", v->name);
    return true;
}

static bool take(void *self, const json_value *v)
{
    request *r = self;
    if (strcmp(v->in, "words") == 0)
        return take_panel(r, v);
    if (v->in[0] != '\0')
        return false;
    const struct {
        const char *name;
        char *into;
    } texts[] = {{"do", r->what}, {"log", r->log}, {"start", r->start}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(v->name, texts[i].name) == 0) {
            snprintf(texts[i].into, WORD_LENGTH, "%s", v->text);
            return v->is_text;
        }
    }
    const struct {
        const char *name;
        double *into;
    } numbers[] = {{"speed", &r->plug.speed},
                   {"viscosity_pa_s", &r->plug.viscosity_pa_s},
                   {"temp_k", &r->plug.temp_k}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(v->name, numbers[i].name) == 0) {
            *numbers[i].into = v->number;
            return !v->is_text && !v->is_flag && !v->is_nothing;
        }
    }
    if (strcmp(v->name, "field") != 0 || !(v->number >= 1.0 && v->number <= 65535.0))
        return false;
    r->plug.field_port = (int)v->number;
    return true;
}

static void put_status(plc *p, json_text *to)
{
    json_put(to, "{\"ok\":true,\"program\":\"soft PLC in C\",\"pid\":%d,", (int)getpid());
    json_number(to, "plant_s", p->plant_s);
    json_put(to, "\"plugged\":%s,\"scans\":%lu,\"missed\":%lu,",
             p->field_port != 0 ? "true" : "false", p->scans, p->missed);
    json_number(to, "late_mean_ms", p->scans > 0 ? 1e3 * p->late_s / (double)p->scans : 0.0);
    json_number(to, "late_most_ms", 1e3 * p->latest_s);
    json_put(to, "\"panel\":{");
    for (int i = 0; i < PANEL; i++)
        json_flag(to, mixer_panel_names[i], p->panel[i]);
    json_close(to);
    json_put(to, ",");
    show_words(&p->program, p->sensor, to);
    json_put(to, "}");
}

static void refuse(json_text *to, const char *why, const char *what)
{
    to->used = 0;
    json_put(to, "{\"ok\":false,\"text\":\"%s%s\"}", why, what);
}

static void answer(plc *p, const char *line, size_t length, json_text *to)
{
    static request r;
    memset(&r, 0, sizeof r);
    if (!json_read(line, length, take, &r)) {
        refuse(to, "this door cannot read that", "");
    } else if (strcmp(r.what, "status") == 0) {
        put_status(p, to);
    } else if (strcmp(r.what, "panel") == 0 && r.wrong_button) {
        refuse(to, "KeyError: the mixer panel has no such word: ", r.unknown);
    } else if (strcmp(r.what, "panel") == 0) {
        for (int i = 0; i < PANEL; i++)
            if (r.set[i])
                p->panel[i] = r.value[i];
        json_put(to, "{\"ok\":true}");
    } else if (strcmp(r.what, "plug") == 0) {
        r.plug.log = r.log;
        r.plug.start = r.start;
        const char *wrong = plc_plug_in(p, &r.plug);
        if (wrong != NULL)
            refuse(to, wrong, "");
        else
            json_put(to, "{\"ok\":true,\"pid\":%d}", (int)getpid());
    } else {
        refuse(to, "ValueError: a PLC's door knows 'panel', 'plug' and 'status'", "");
    }
}

typedef struct {
    char line[LINE_MOST];
    size_t used;
} caller;

/* Answer every whole line that has come; false when the caller is to be let go. */
static bool heard(plc *p, int link, caller *c)
{
    const ssize_t more = recv(link, c->line + c->used, sizeof c->line - c->used, 0);
    if (more <= 0)
        return false;
    c->used += (size_t)more;
    char *end;
    while ((end = memchr(c->line, '\n', c->used)) != NULL) {
        static char room[ANSWER_MOST];
        json_text to = {room, sizeof room, 0, false};
        const size_t length = (size_t)(end - c->line);
        pthread_mutex_lock(&p->lock);
        answer(p, c->line, length, &to);
        pthread_mutex_unlock(&p->lock);
        json_put(&to, "\n");
        if (to.full || send(link, room, to.used, MSG_NOSIGNAL) != (ssize_t)to.used)
            return false;
        c->used -= length + 1;
        memmove(c->line, end + 1, c->used);
    }
    return c->used < sizeof c->line;
}

void *side_door(void *self)
{
    static caller callers[1 + CALLERS_MOST];
    struct pollfd watched[1 + CALLERS_MOST] = {{.fd = listener, .events = POLLIN}};
    nfds_t used = 1;
    for (;;) {
        if (poll(watched, used, -1) < 0)
            continue;
        for (nfds_t i = used; i-- > 1;) {
            if (watched[i].revents == 0 || heard(self, watched[i].fd, &callers[i]))
                continue;
            close(watched[i].fd);
            watched[i] = watched[--used];
            callers[i] = callers[used];
        }
        if (watched[0].revents & POLLIN) {
            const int link = accept(listener, NULL, NULL);
            if (link >= 0 && used < 1 + CALLERS_MOST) {
                callers[used].used = 0;
                watched[used++] = (struct pollfd){.fd = link, .events = POLLIN};
            } else if (link >= 0) {
                close(link);
            }
        }
    }
    return NULL;
}
