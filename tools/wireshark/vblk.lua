-- SPDX-License-Identifier: BSD-3-Clause
-- Wireshark reads traces of vblk (docs/trace-format.md): libpcap, link type USER0.
--   wireshark -X lua_script:tools/wireshark/vblk.lua run.pcap
local vblk = Proto("vblk", "virtio-blk trace")

local kinds = { "head", "event", "reset", "case", "collect", "result", "blame", "settle", "end" }
local events = { "reg-read", "reg-write", "config-read", "config-write", "load", "store", "barrier", "kick", "used-notify",
                 "config-notify", "look", "quiet", "gone", "back", "power-cut", "case-begin", "case-end" }
local parties = { [0] = "driver", "device", "nobody" }
local orders = { [0] = "relaxed", "acquire", "release", "full" }
local registers = { [0] = "device-id", "device-features", "driver-features", "status", "generation", "num-queues", "queue-max",
                    "queue-size", "queue-desc", "queue-driver", "queue-device", "queue-enable", "queue-reset", "config-length",
                    "queue-notif-config-data" }
local DRIVER_FEATURES, RING_PACKED = 2, 34
local QUEUE_SIZE, QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE = 7, 8, 9, 10
local looks = { "is it there", "bytes", "differs" }
local results = { [0] = "ran", "skipped", "hung", "gone" }
local types = { [0] = "IN", [1] = "OUT", [4] = "FLUSH", [8] = "GET_ID", [10] = "GET_LIFETIME", [11] = "DISCARD",
                [13] = "WRITE_ZEROES", [14] = "SECURE_ERASE", [15] = "PROVISION" }
local with_segments = { [11] = true, [13] = true, [14] = true, [15] = true }
local statuses = { [0] = "OK", "IOERR", "UNSUPP" }
local tags = { "version", "tool", "command", "target", "target-name", "replay", "profile", "numbers", "level", "reading", "seed",
               "sees", "grade", "judged", "queues", "transport", "name", "area", "clause", "what", "consequence", "flags", "rings",
               "ring", "result", "reason", "runs", "doubt", "message", "expected", "seen", "offered", "negotiated", "forget",
               "cut-short", "note" }
local is_number = {}
for _, tag in ipairs { 1, 9, 11, 12, 13, 14, 15, 16, 23, 24, 25, 27, 28, 32, 33, 34, 35 } do is_number[tag] = true end

local f = {
    kind = ProtoField.uint8("vblk.kind", "Record", base.DEC, kinds),
    more = ProtoField.bool("vblk.more", "Goes on in the next packet"),
    event = ProtoField.uint8("vblk.event", "Event", base.DEC, events),
    party = ProtoField.uint8("vblk.party", "Party", base.DEC, parties),
    order = ProtoField.uint8("vblk.order", "Order", base.DEC, orders),
    flags = ProtoField.uint8("vblk.flags", "Flags", base.HEX),
    queue = ProtoField.uint16("vblk.queue", "Queue"),
    reg = ProtoField.uint16("vblk.register", "Register", base.DEC, registers),
    len = ProtoField.uint32("vblk.length", "Length"),
    at = ProtoField.uint64("vblk.address", "Address", base.HEX),
    value = ProtoField.uint64("vblk.value", "Value", base.HEX),
    bytes = ProtoField.bytes("vblk.bytes", "Bytes"),
    look = ProtoField.uint8("vblk.look", "Look", base.DEC, looks),
    yes = ProtoField.bool("vblk.look.yes", "Yes"),
    ask = ProtoField.uint32("vblk.look.asking", "From asking"),
    look_at = ProtoField.uint64("vblk.look.address", "Address", base.HEX),
    look_len = ProtoField.uint64("vblk.look.length", "Length"),
    look_bytes = ProtoField.bytes("vblk.look.bytes", "Bytes"),
    place = ProtoField.string("vblk.ring", "Ring"),
    desc_addr = ProtoField.uint64("vblk.desc.address", "Buffer", base.HEX),
    desc_len = ProtoField.uint32("vblk.desc.length", "Buffer length"),
    desc_next = ProtoField.uint16("vblk.desc.next", "Next, or id"),
    desc_flags = ProtoField.uint16("vblk.desc.flags", "Flags", base.HEX),
    used_id = ProtoField.uint32("vblk.used.id", "Used id"),
    used_len = ProtoField.uint32("vblk.used.length", "Used length"),
    type = ProtoField.uint32("vblk.request.type", "Request", base.DEC, types),
    sector = ProtoField.uint64("vblk.request.sector", "Sector"),
    segment = ProtoField.uint64("vblk.segment.sector", "Segment at"),
    segment_len = ProtoField.uint32("vblk.segment.sectors", "Sectors"),
    segment_flags = ProtoField.uint32("vblk.segment.flags", "Segment flags", base.HEX),
    status = ProtoField.uint8("vblk.request.status", "Status", base.DEC, statuses),
    tag = ProtoField.uint8("vblk.tag", "Field", base.DEC, tags),
    text = ProtoField.string("vblk.text", "Text"),
    number = ProtoField.uint64("vblk.number", "Number"),
    result = ProtoField.uint64("vblk.result", "Result", base.DEC, results),
    case = ProtoField.string("vblk.case", "Case"),
}
vblk.fields = f

local damaged = ProtoExpert.new("vblk.damaged", "Not what the format allows", expert.group.MALFORMED, expert.severity.ERROR)
vblk.experts = { damaged }

-- Where rings and buffers lie, as the packets before have told. Kept by packet, so that packets may be looked at in any order.
local queues, writable, notes, packed, after_header

function vblk.init()
    queues, writable, notes, packed, after_header = {}, {}, {}, false, false
end

local function name_of(table, value)
    return table[value] or tostring(value)
end

local function place_of(at)
    for no, q in pairs(queues) do
        local size = q.size or 0
        if q.desc and at >= q.desc and at < q.desc + 16 * size then return "descriptor", no, math.floor((at - q.desc) / 16) end
        if packed then
            if q.driver and at >= q.driver and at < q.driver + 4 then return "driver event suppression", no, -1 end
            if q.device and at >= q.device and at < q.device + 4 then return "device event suppression", no, -1 end
        elseif q.driver and at >= q.driver and at < q.driver + 6 + 2 * size then return "available", no, math.floor((at - q.driver - 4) / 2)
        elseif q.device and at >= q.device and at < q.device + 6 + 8 * size then return "used", no, math.floor((at - q.device - 4) / 8) end
    end
end

local function learn_register(reg, queue, value)
    local q = queues[queue] or {}
    queues[queue] = q
    if reg == DRIVER_FEATURES then packed = math.floor(value / 2 ^ RING_PACKED) % 2 == 1 end
    if reg == QUEUE_SIZE then q.size = value
    elseif reg == QUEUE_DESC then q.desc = value
    elseif reg == QUEUE_DRIVER then q.driver = value
    elseif reg == QUEUE_DEVICE then q.device = value end
end

-- Packed: the device has used it if both marks say the same (2.8.1). One that was never written says so, too: it has no id.
local function is_used(flags)
    return bit.band(flags, 0x8000) / 0x100 == bit.band(flags, 0x80)
end

-- What a stretch of memory is, once: { what, queue, slot, packed, bytes into the slot }.
local function learn(at, range)
    local what, queue, slot = place_of(at)
    local flags = what == "descriptor" and range:len() == 16 and range(packed and 14 or 12, 2):le_uint() or 0
    if bit.band(flags, 2) ~= 0 and not (packed and is_used(flags)) then
        local first, len = range(0, 8):le_uint64():tonumber(), range(8, 4):le_uint()
        if len > 0 then writable[first + len - 1] = true end
    end
    if what then return { what, queue, slot, packed, what == "descriptor" and (at - queues[queue].desc) % 16 or 0 } end
    if range:len() == 1 and writable[at] then return { "status" } end
    if range:len() > 0 and range:len() % 16 == 0 and after_header then return { "segments" } end
    if range:len() == 16 and range(4, 4):le_uint() == 0 and range(0, 4):le_uint() < 64 then return { "header" } end
end

local function show_used(range, tree, words, packed)
    local id = packed and range(4, 2) or range(0, 4)
    local len = packed and range(0, 4) or range(4, 4)

    tree:add_le(f.used_id, id)
    tree:add_le(f.used_len, len)
    words[#words + 1] = string.format("used id %d, %d bytes", id:le_uint(), len:le_uint())
end

local function show_descriptor(range, tree, packed)
    tree:add_le(f.desc_addr, range(0, 8))
    tree:add_le(f.desc_len, range(8, 4))
    tree:add_le(f.desc_flags, range(packed and 14 or 12, 2))
    tree:add_le(f.desc_next, range(packed and 12 or 14, 2))
end

-- One stretch of guest memory, as what it is. @note: what learn() made of it.
local function show(at, range, tree, note, words)
    if not note then return end
    if note[1] == "status" then
        tree:add(f.status, range)
        words[#words + 1] = "status " .. name_of(statuses, range:uint())
    elseif note[1] == "segments" then
        for pos = 0, range:len() - 16, 16 do
            tree:add_le(f.segment, range(pos, 8))
            tree:add_le(f.segment_len, range(pos + 8, 4))
            tree:add_le(f.segment_flags, range(pos + 12, 4))
        end
        words[#words + 1] = string.format("%d segments from sector %s", range:len() / 16, tostring(range(0, 8):le_uint64()))
    elseif note[1] == "header" then
        tree:add_le(f.type, range(0, 4))
        tree:add_le(f.sector, range(8, 8))
        words[#words + 1] = name_of(types, range(0, 4):le_uint()) .. " sector " .. tostring(range(8, 8):le_uint64())
    else
        local what = string.format("%s of queue %d", note[1], note[2])
        if note[3] >= 0 then what = what .. ", " .. note[3] end
        tree:add(f.place, range, what)
        if note[1] == "descriptor" and range:len() == 16 then show_descriptor(range, tree, note[4]) end
        if note[4] and note[1] == "descriptor" and note[5] == 8 and range:len() == 6 then show_used(range, tree, words, true) end
        if note[1] == "used" and range:len() == 8 and note[3] >= 0 then
            show_used(range, tree, words, false)
        end
    end
end

-- Notes are made when a packet is seen for the first time, and kept: queues change later.
local function noted(pinfo, n, at, range)
    local key = pinfo.number .. "/" .. n
    if not pinfo.visited then
        notes[key] = learn(at, range)
        after_header = notes[key] and notes[key][1] == "header" and with_segments[range(0, 4):le_uint()]
    end
    return notes[key]
end

local function show_event(buf, pinfo, tree)
    if buf:len() < 32 then return tree:add_proto_expert_info(damaged) end
    local kind, party, flags = buf(0, 1):uint(), buf(1, 1):uint(), buf(3, 1):uint()
    local queue, reg, len = buf(4, 2):le_uint(), buf(6, 2):le_uint(), buf(8, 4):le_uint()
    local at, value = buf(16, 8):le_uint64(), buf(24, 8):le_uint64()
    local words, pos, n = { parties[party] or "?", events[kind] or "?" }, 32, 0

    tree:add(f.event, buf(0, 1))
    tree:add(f.party, buf(1, 1))
    tree:add(f.order, buf(2, 1))
    tree:add(f.flags, buf(3, 1))
    tree:add_le(f.queue, buf(4, 2))
    tree:add_le(f.reg, buf(6, 2))
    tree:add_le(f.len, buf(8, 4))
    tree:add_le(f.at, buf(16, 8))
    tree:add_le(f.value, buf(24, 8))
    if kind <= 2 then
        words[#words + 1] = string.format("%s %s", name_of(registers, reg), tostring(value))
        if kind == 2 and not pinfo.visited then learn_register(reg, queue, value:tonumber()) end
    elseif kind >= 3 and kind <= 6 then
        words[#words + 1] = string.format("0x%x, %d bytes", at:tonumber(), len)
    elseif kind == 8 or kind == 9 or kind == 11 then
        words[#words + 1] = "queue " .. queue
    end
    if flags >= 128 then
        local there = math.min(len, buf:len() - pos)
        if there > 0 then
            tree:add(f.bytes, buf(pos, there))
            if kind >= 16 then words[#words + 1] = buf(pos, there):string() end
            if kind == 5 or kind == 6 then
                show(at:tonumber(), buf(pos, there), tree, noted(pinfo, 0, at:tonumber(), buf(pos, there)), words)
            end
        end
        pos = pos + len
    end
    while buf:len() - pos >= 24 do
        local look, yes = buf(pos, 1):uint(), buf(pos + 1, 1):uint()
        local from, size = buf(pos + 8, 8):le_uint64():tonumber(), buf(pos + 16, 8):le_uint64():tonumber()
        local follows = yes == 1 and (look == 2 and size or look == 3 and 16) or 0
        local there = math.min(follows, buf:len() - pos - 24)
        local sub = tree:add(vblk, buf(pos, 24 + there), string.format("Look: %s, 0x%x, %d bytes", looks[look] or "?", from, size))

        sub:add(f.look, buf(pos, 1))
        sub:add(f.yes, buf(pos + 1, 1))
        sub:add_le(f.ask, buf(pos + 4, 4))
        sub:add_le(f.look_at, buf(pos + 8, 8))
        sub:add_le(f.look_len, buf(pos + 16, 8))
        n = n + 1
        if there > 0 then
            sub:add(f.look_bytes, buf(pos + 24, there))
            if look == 2 then show(from, buf(pos + 24, there), sub, noted(pinfo, n, from, buf(pos + 24, there)), words) end
        end
        pos = pos + 24 + follows
    end
    return table.concat(words, " ")
end

local function show_fields(buf, tree)
    local words, pos = {}, 0
    while buf:len() - pos >= 4 do
        local tag, len = buf(pos, 1):uint(), buf(pos + 2, 2):le_uint()
        if len > buf:len() - pos - 4 then
            tree:add_proto_expert_info(damaged)
            break
        end
        local sub = tree:add(vblk, buf(pos, 4 + len), tags[tag] or "field")
        sub:add(f.tag, buf(pos, 1))
        if is_number[tag] and len == 8 then
            local value = buf(pos + 4, 8)
            sub:add_le(f.number, value)
            if tag == 25 then
                sub:add_le(f.result, value)
                words[#words + 1] = name_of(results, value:le_uint64():tonumber())
            end
        elseif len > 0 then
            local value = buf(pos + 4, len)
            sub:add(f.text, value)
            if tag == 17 then sub:add(f.case, value) end
            if tag == 3 or tag == 17 or tag == 18 or tag == 19 or tag == 29 then words[#words + 1] = value:string() end
        end
        pos = pos + 4 + len
    end
    return table.concat(words, " ")
end

function vblk.dissector(buf, pinfo, root)
    if buf:len() < 4 then return 0 end
    local kind, tree = buf(0, 1):uint(), root:add(vblk, buf())
    local body, info = buf:len() > 4 and buf(4):tvb() or nil, ""

    pinfo.cols.protocol = "vblk"
    tree:add(f.kind, buf(0, 1))
    tree:add(f.more, buf(1, 1))
    if body and kind == 2 then
        info = show_event(body, pinfo, tree) or ""
    elseif body then
        info = show_fields(body, tree)
    end
    pinfo.cols.info = (kinds[kind] or "?") .. (info ~= "" and ": " .. info or "")
    return buf:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, vblk)
