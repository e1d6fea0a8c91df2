/* The field cable: drives to the plant, sensors back, in frames of JSON with a 4-byte length.

   A thread of its own, so that a slow plant never makes the scan late. A plant that says nothing for
   FIELD_PATIENCE_S, or that is gone, leaves no sensor with a number. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "plc.h"

enum { FRAME_MOST = 1 << 16, FIELD_PATIENCE_S = 5 };

static bool take_sensor(void *self, const json_value *value)
{
    double *sensor = self;
    if (strcmp(value->in, "sensors") != 0 || value->is_text || value->is_nothing)
        return true; /* the plant's own time, and words of other machines */
    for (int i = 0; i < SENSORS; i++)
        if (strcmp(value->name, mixer_sensor_names[i]) == 0)
            sensor[i] = value->number;
    return true;
}

static int plugged_into(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {.tv_sec = FIELD_PATIENCE_S};
    const int one = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int link = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link < 0)
        return -1;
    setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(link, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(link, (struct sockaddr *)&at, sizeof at) == 0)
        return link;
    close(link);
    return -1;
}

static bool receive(int link, void *into, size_t length)
{
    for (size_t got = 0; got < length;) {
        const ssize_t more = recv(link, (char *)into + got, length - got, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

static bool exchange(int link, bool driving, const double drive[DRIVES], double sensor[SENSORS])
{
    static char frame[FRAME_MOST];
    json_text body = {frame + 4, sizeof frame - 4, 0, false};
    json_put(&body, "{\"plc\":\"mixer\",\"drives\":{");
    for (int i = 0; driving && i < DRIVES; i++)
        json_number(&body, mixer_drive_names[i], drive[i]);
    json_close(&body);
    json_put(&body, "}");
    uint32_t length = htonl((uint32_t)body.used);
    memcpy(frame, &length, 4);
    if (body.full || send(link, frame, body.used + 4, MSG_NOSIGNAL) != (ssize_t)(body.used + 4))
        return false;
    if (!receive(link, &length, 4) || ntohl(length) > sizeof frame ||
        !receive(link, frame, ntohl(length)))
        return false;
    for (int i = 0; i < SENSORS; i++)
        sensor[i] = (double)NAN;
    return json_read(frame, ntohl(length), take_sensor, sensor);
}

static void wait_for_drives(plc *p, unsigned long done)
{
    while (p->field_port == 0 || (p->field_seen && p->scans == done))
        pthread_cond_wait(&p->scanned, &p->lock);
}

void *field_cable(void *self)
{
    plc *p = self;
    int link = -1;
    unsigned plugs = 0;
    unsigned long done = 0;
    for (;;) {
        double drive[DRIVES], sensor[SENSORS];
        pthread_mutex_lock(&p->lock);
        wait_for_drives(p, done);
        const bool fresh = plugs != p->plugs, driving = p->scans > 0;
        const int port = p->field_port;
        plugs = p->plugs;
        done = p->scans;
        memcpy(drive, p->program.drives, sizeof drive);
        pthread_mutex_unlock(&p->lock);
        if (fresh && link >= 0) {
            close(link);
            link = -1;
        }
        if (link < 0)
            link = plugged_into(port);
        const bool heard = link >= 0 && exchange(link, driving, drive, sensor);
        pthread_mutex_lock(&p->lock);
        if (plugs == p->plugs) {
            for (int i = 0; i < SENSORS; i++)
                p->sensor[i] = heard ? sensor[i] : (double)NAN;
            p->field_seen = p->field_seen || heard;
        }
        pthread_mutex_unlock(&p->lock);
        if (!heard) {
            if (link >= 0)
                close(link);
            link = -1;
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
    }
    return NULL;
}
