/* The Modbus/TCP face: libmodbus on loopback, one image for one request.

   Registers 0 to 199 can be read; 100 to 108 can be written (FC06, FC16, FC23), and every written
   word is in the log before its answer leaves. Anything else is answered by an exception. */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plc.h"

enum { CLIENTS_MOST = 16, QUEUE = 8, PATIENCE_US = 200000 };

static modbus_t *server;
static modbus_mapping_t *map;
static int listener = -1;

bool modbus_listen(plc *p)
{
    server = modbus_new_tcp("127.0.0.1", p->port);
    map = modbus_mapping_new(0, 0, REGISTERS, 0);
    if (server == NULL || map == NULL)
        return false;
    modbus_set_byte_timeout(server, 0, PATIENCE_US);
    modbus_set_indication_timeout(server, 0, PATIENCE_US);
    listener = modbus_tcp_listen(server, QUEUE);
    return listener >= 0;
}

static unsigned word_at(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }

typedef struct {
    unsigned write_at, write_count;
    const uint8_t *data;
} asked;

/* Take a request apart; 0, or the exception that answers it. */
static int understood(const uint8_t *query, int length, int unit, asked *what)
{
    const uint8_t *pdu = query + modbus_get_header_length(server);
    const int size = length - modbus_get_header_length(server);
    *what = (asked){0, 0, NULL};
    if (size < 5)
        return MODBUS_EXCEPTION_ILLEGAL_FUNCTION;
    if (query[6] != unit)
        return MODBUS_EXCEPTION_GATEWAY_TARGET;
    switch (pdu[0]) {
    case MODBUS_FC_READ_HOLDING_REGISTERS:
        return size == 5 ? 0 : MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
    case MODBUS_FC_WRITE_SINGLE_REGISTER:
        *what = (asked){word_at(pdu + 1), 1, pdu + 3};
        if (size != 5)
            return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        break;
    case MODBUS_FC_WRITE_MULTIPLE_REGISTERS:
        *what = (asked){word_at(pdu + 1), word_at(pdu + 3), pdu + 6};
        if (size < 8 || pdu[5] != 2 * what->write_count || size != 6 + pdu[5])
            return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        break;
    case MODBUS_FC_WRITE_AND_READ_REGISTERS:
        if (size < 12)
            return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        *what = (asked){word_at(pdu + 5), word_at(pdu + 7), pdu + 10};
        if (pdu[9] != 2 * what->write_count || size != 10 + pdu[9])
            return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        if (word_at(pdu + 1) + word_at(pdu + 3) > REGISTERS) /* or the write would stand alone */
            return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
        break;
    default:
        return MODBUS_EXCEPTION_ILLEGAL_FUNCTION;
    }
    const unsigned end = what->write_at + what->write_count;
    return what->write_at >= WRITE_FIRST && end <= WRITE_LAST + 1
               ? 0
               : MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
}

static void log_word(plc *p, const char *tag, const char *value, const char *active)
{
    char members[256];
    json_text to = {members, sizeof members, 0, false};
    json_put(&to, "\"tag\":\"%s\",%s,%s,\"remote\":%s", tag, value, active,
             p->program.group.remote_active ? "true" : "false");
    plc_log(p, members);
}

static void take_setpoint(plc *p, mixer_setpoint which, const uint16_t *from)
{
    char value[64], active[64] = "\"active\":null";
    json_text to = {value, sizeof value, 0, false}, beside = {active, sizeof active, 0, false};
    const uint32_t bits = (uint32_t)from[0] << 16 | from[1];
    memcpy(&p->wire.setpoint[which], &bits, sizeof bits);
    json_number(&to, "value", mixer_si(which, p->wire.setpoint[which]));
    value[to.used - 1] = '\0'; /* its comma */
    if (p->program.group.started) {
        json_number(&beside, "active", mixer_si(which, p->program.group.active[which]));
        active[beside.used - 1] = '\0';
    }
    log_word(p, mixer_setpoint_names[which], value, active);
}

static void take_count(plc *p, const char *tag, uint16_t *into, uint16_t value)
{
    char text[64];
    *into = value;
    snprintf(text, sizeof text, "\"value\":%u", value);
    log_word(p, tag, text, "\"active\":null");
}

/* Words in the order of the tag table; the lock is held, so a scan sees all of them or none. */
static void take_words(plc *p, const asked *what)
{
    const unsigned first = what->write_at, end = first + what->write_count;
    for (unsigned i = 0; i < what->write_count; i++)
        map->tab_registers[first + i] = (uint16_t)word_at(what->data + 2 * i);
    for (unsigned i = 0; i < SETPOINTS; i++) {
        const unsigned at = WRITE_FIRST + 2 * i;
        if (first < at + 2 && at < end)
            take_setpoint(p, (mixer_setpoint)i, map->tab_registers + at);
    }
    if (first <= WRITE_REQUEST && WRITE_REQUEST < end) {
        p->wire.remote_request = map->tab_registers[WRITE_REQUEST] != 0;
        log_word(p, "mixer.remote_request",
                 p->wire.remote_request ? "\"value\":true" : "\"value\":false",
                 "\"active\":null");
    }
    if (first <= WRITE_SEQUENCE && WRITE_SEQUENCE < end)
        take_count(p, "mixer.engine_sequence", &p->wire.sequence,
                   map->tab_registers[WRITE_SEQUENCE]);
    if (first <= WRITE_HEARTBEAT && WRITE_HEARTBEAT < end)
        take_count(p, "mixer.engine_heartbeat", &p->wire.heartbeat,
                   map->tab_registers[WRITE_HEARTBEAT]);
}

static bool answered(plc *p, int client)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    asked what;
    modbus_set_socket(server, client);
    const int length = modbus_receive(server, query);
    if (length <= 0)
        return length == 0;
    const int fault = understood(query, length, p->unit, &what);
    if (fault != 0)
        return modbus_reply_exception(server, query, (unsigned)fault) >= 0;
    pthread_mutex_lock(&p->lock);
    if (p->scans > 0)
        show_registers(&p->program, p->sensor, map->tab_registers);
    if (what.data != NULL)
        take_words(p, &what);
    pthread_mutex_unlock(&p->lock);
    return modbus_reply(server, query, length, map) >= 0;
}

void *modbus_server(void *self)
{
    plc *p = self;
    struct pollfd watched[1 + CLIENTS_MOST] = {{.fd = listener, .events = POLLIN}};
    nfds_t used = 1;
    for (;;) {
        if (poll(watched, used, -1) < 0)
            continue;
        for (nfds_t i = used; i-- > 1;) {
            if (watched[i].revents == 0 || answered(p, watched[i].fd))
                continue;
            close(watched[i].fd);
            watched[i] = watched[--used];
        }
        if (watched[0].revents & POLLIN) {
            const int client = accept(listener, NULL, NULL);
            if (client >= 0 && used < 1 + CLIENTS_MOST)
                watched[used++] = (struct pollfd){.fd = client, .events = POLLIN};
            else if (client >= 0)
                close(client);
        }
    }
    return NULL;
}
