/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of devices done wrong: decided on, asked for, sent. */
#include "mutants.h"

static void poke(struct vblk_device *device, uint64_t gpa, uint16_t value)
{
    (void)!vblk_memory_store16(vblk_device_memory(device), VBLK_DEVICE, gpa, VBLK_RELAXED, value);
}

static bool split(const struct vblk_device *device)
{
    return (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_RING_PACKED)) == 0;
}

static bool events(const struct vblk_device *device)
{
    return (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_EVENT_IDX)) != 0;
}

/* avail_event lies behind the used ring; without EVENT_IDX the ring ends there. */
static void avail_event_anyway(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_queue_layout at;

    if (split(device) && !events(device) && vblk_device_queue(device, vblk_request_queue(req), &at) == VBLK_OK)
        poke(device, at.device + 4 + 8 * (uint64_t)at.size, 1);
}

/* A flag of the used ring that is none. */
static void odd_used_flags(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_queue_layout at;

    if (split(device) && !events(device) && vblk_device_queue(device, vblk_request_queue(req), &at) == VBLK_OK)
        poke(device, at.device, 2);
}

static void flag_with_events(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_queue_layout at;

    if (split(device) && events(device) && vblk_device_queue(device, vblk_request_queue(req), &at) == VBLK_OK)
        poke(device, at.device, 1);
}

static bool no_config_news(const struct vblk_device *device, bool owed)
{
    (void)device;
    (void)owed;
    return false;
}

static void too_often(struct vblk_device *device, struct vblk_request *req)
{
    (void)req;
    vblk_device_notify(device, VBLK_EV_CONFIG_NOTIFY, 0);
}

const struct mutant mutants_notify[] = {
    { .name = "event-less-than", .what = "compares used_event with <", .clause = "NOTIF-USED-DEV-05", .hidden = WISH_UNSEEN, .ring = "event-less-than" },
    { .name = "event-last-only", .what = "compares used_event with the last of a batch only", .clause = "NOTIF-USED-DEV-05",
      .hidden = WISH_UNSEEN, .ring = "event-last-only" },
    { .name = "event-off-by-one", .what = "notifies one entry after used_event's", .clause = "NOTIF-USED-DEV-05",
      .hidden = WISH_UNSEEN, .ring = "event-off-by-one" },
    { .name = "event-ignored", .what = "notifies whatever used_event says", .clause = "NOTIF-USED-DEV-06",
      .ring = "event-ignored" },
    { .name = "notify-never", .what = "never notifies", .clause = "NOTIF-USED-DEV-03",
      .because = "with EVENT_IDX it is that row",
      .synonyms = { "NOTIF-USED-DEV-05" }, .ring = "notify-never" },
    { .name = "flag-never", .what = "does not notify although flags is 0", .clause = "NOTIF-USED-DEV-03", .ring = "flag-never" },
    { .name = "flag-ignored", .what = "notifies although flags is 1", .clause = "NOTIF-USED-DEV-02", .ring = "flag-ignored" },
    { .name = "flag-with-event", .what = "heeds flags although EVENT_IDX was negotiated", .clause = "NOTIF-USED-DEV-04",
      .hidden = WISH_UNSEEN, .ring = "flag-with-event" },
    { .name = "event-without-feature", .what = "heeds used_event although EVENT_IDX was not negotiated",
      .clause = "NOTIF-USED-DEV-01", .ring = "event-without-feature" },
    { .name = "never-asks", .what = "does not look again, nor ask, after it found the ring empty", .clause = "NOTIF-06",
      .ring = "never-asks" },
    { .name = "asks-blindly", .what = "asks for notifications again and does not look at the ring again", .clause = "NOTIF-06",
      .hidden = WISH_UNSEEN, .ring = "asks-blindly" },
    { .name = "avail-event-unnegotiated", .what = "writes avail_event although EVENT_IDX was not negotiated",
      .clause = "RING-SPLIT-13", .hidden = "what lies in memory that is the device's to write is not compared", .behaviour = { .after = avail_event_anyway } },
    { .name = "used-flags-odd", .what = "sets a bit of the used flags that means nothing", .clause = "NOTIF-AVAIL-DEV-01",
      .because = "2.7.8 has the field, 2.7.10 what its bits mean",
      .synonyms = { "RING-SPLIT-13" },
      .behaviour = { .after = odd_used_flags } },
    { .name = "used-flag-with-event", .what = "sets the used flag although EVENT_IDX was negotiated",
      .clause = "NOTIF-AVAIL-DEV-03", .behaviour = { .after = flag_with_events } },
    { .name = "config-silent", .what = "changes its configuration without a notification", .clause = "OPER-01",
      .behaviour = { .notify_config = no_config_news } },
    { .name = "config-news-of-nothing", .what = "notifies of configuration changes that did not happen", .clause = "NOTIF-04",
      .behaviour = { .after = too_often } },
    { .name = "packed-event-wrap-ignored", .what = "heeds the place of an event alone, not its wrap counter",
      .clause = "NOTIF-PACKED-02", .hidden = WISH_UNSEEN, .ring = "event-wrap-ignored" },
    { .name = "packed-event-flags-reserved", .what = "asks with the reserved value of the event flags",
      .clause = "NOTIF-PACKED-01", .ring = "event-flags-reserved" },
    { .name = "packed-event-bits-reserved", .what = "sets reserved bits in its event structure", .clause = "NOTIF-PACKED-04",
      .ring = "event-bits-reserved" },
    { .name = NULL },
};
