// SPDX-License-Identifier: MIT
// A map for each shape that a key or a value may have, and variables of some of them; for tests of what the library says
// when C++ has them otherwise.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum state { STATE_IDLE, STATE_RUNNING = 5 };
enum small_state { SMALL_OFF, SMALL_ON } __attribute__((packed));

struct port {
	__u16 number;
	_Bool is_open;
	__u8 kind;
};
struct flow {
	__u32 source;
	__s32 change;
	struct port ports[2];
};
struct traffic {
	__u64 packets;
	__u32 bytes;
	__u8 flag;
	_Bool is_new;
	enum small_state small;
	enum state state;
	char name[12];
	void *where;
};
union number {
	__u64 whole;
	__u8 parts[8];
};
struct nameless {
	__u32 family;
	struct {
		__u32 first, second;
	};
	union {
		__u32 v4;
		__u8 v6[16];
	};
};
struct packet {
	__u32 source;
	__u8 version : 4, length : 4;
	__u8 kind;
	__u16 port;
};
struct node {
	struct node *next;
	union number number;
};
#define NEST(inner) struct { inner in; }
typedef NEST(NEST(NEST(NEST(NEST(NEST(NEST(NEST(__u32)))))))) eight_levels;
typedef NEST(NEST(NEST(NEST(NEST(NEST(NEST(NEST(eight_levels)))))))) sixteen_levels;

#define MAP(name, key_type, value_type)          \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 8);          \
		__type(key, key_type);           \
		__type(value, value_type);       \
	} name SEC(".maps")

MAP(flows, struct flow, struct traffic);
MAP(pairs, struct flow, struct flow);
MAP(numbers, union number, union number);
MAP(nameless, __u32, struct nameless);
MAP(packets, struct packet, struct packet);
MAP(nodes, __u32, struct node);
MAP(states, enum state, enum state);
MAP(nested, sixteen_levels, sixteen_levels);

struct flow last_flow = {};
struct flow flow_rows[2][3] = {};
struct traffic totals[4] = {};
struct packet last_packet = {};
union number last_number = {};
enum state last_state = STATE_IDLE;
sixteen_levels nested_levels = {};

SEC("socket")
int counts(struct __sk_buff *skb)
{
	struct flow key = { .source = skb->len };
	struct traffic *found = bpf_map_lookup_elem(&flows, &key);

	if (found)
		found->packets++;
	last_flow = key;
	totals[0].packets++;
	return 0;
}

const char _license[] SEC("license") = "GPL";
