// SPDX-License-Identifier: MIT
// Keys, values and variables of the types that C++ says in other words than C, or not at all. Nobody loads it:
// tests/checks/skeleton.py writes them in C++ and has the library compare both.
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, key_type, value_type)          \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 8);          \
		__type(key, key_type);           \
		__type(value, value_type);       \
	} name SEC(".maps")

enum color { RED, GREEN = 5, BLUE = 1 << 30 };
enum mood { BAD = -1, new = 1, delete = 1 }; /* C++ has other uses for both, and they are one */
enum __attribute__((packed)) tiny { NONE, SOME = 200 };
enum distance { NEAR = 1, FAR = 0x7000000000LL };

struct point {
	__s16 x, y;
};

struct packet { /* of docs/types.md */
	__u32 source;
	__u8 version : 4;
	__u8 length : 4;
	__u8 flags;
	__u16 port;
};

struct bits {
	__u32 version : 4;
	__u32 length : 4;
	__s32 offset : 5;
	__u32 : 3;
	__u16 port;
	enum color color : 4;
	bool is_last : 1;
	__u64 wide : 40;
	__u64 tail : 61;
};

struct __attribute__((packed)) packed {
	__u8 kind;
	__u32 number;
	struct point at;
	__u64 large;
};

struct holds_packed {
	__u16 before;
	struct packed inner[2];
	__u8 after;
};

struct __attribute__((packed)) packed_bits {
	__u8 first;
	__u32 low : 12;
	__u32 high : 20;
	__u16 last;
};

struct nameless {
	__u32 kind;
	struct {
		__u16 low;
		struct {
			__u8 high, highest;
		};
	};
	union {
		__u32 word;
		__u8 bytes[4];
		struct {
			__u16 first;
			__u8 second;
		};
	};
	__u8 last;
};

struct nameless_bits {
	__u8 flag : 1;
	union {
		__u32 word;
		struct {
			__u32 part : 7;
			__u32 rest : 25;
		};
		struct point point;
	};
	struct {
		__u8 more : 3;
	};
};

struct numbers {
	float small;
	double large;
	__int128 huge;
	unsigned __int128 more[2];
	char letter;
	signed char number;
	unsigned char byte;
	bool truth;
	char name[5];
	long word;
	__SIZE_TYPE__ size;
	short half;
	enum tiny tiny;
	enum distance distance;
};

struct rows {
	__s16 cells[3][4];
	struct point corners[2][2];
	char words[2][8];
	struct {
		__u8 one;
	} nameless[3];
};

struct chain {
	struct chain *next;
	const struct undefined *other; /* declared and nowhere defined */
	int (*call)(int);
	const char *text;
	struct chain *all[2];
};

struct keywords {
	__u32 class;
	__u8 private : 3;
	__u16 template[2];
	struct nothing {
	} nothing;
	__u32 keywords;
};

struct flexible {
	__u32 count;
	struct point items[];
};

union any {
	__u64 number;
	struct point point;
	__u8 bytes[12];
};

union any_bits {
	__u32 low : 5;
	__u32 all;
	__int128 wide;
};

union __attribute__((packed)) any_packed {
	__u8 bytes[5];
	__u32 number;
	struct packed packed;
};

struct unions {
	union any any;
	union any_bits bits;
	union any_packed packed;
	union {
		__u32 a;
		struct packed_bits b;
	} own;
};

struct __attribute__((aligned(64))) line {
	struct point point; /* of the same name as its type */
	enum color color;
};

#define TEN(d) __u16 m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6, m##d##7, m##d##8, m##d##9
struct many {
	TEN(0);
	TEN(1);
	TEN(2);
	TEN(3);
	TEN(4);
	TEN(5);
	TEN(6);
	TEN(7);
};

typedef struct {
	__u8 kind;
	__u32 number; /* behind a gap */
} gap_key;

struct address_key {
	__u8 family;
	union {
		__u32 ipv4;
		__u8 ipv6[16];
	} address;
	union {
		__u16 port;
		__u8 parts[2];
	};
	float weight;
};

MAP(with_bits, struct point, struct bits);
MAP(packets, __u32, struct packet);
MAP(with_packed, gap_key, struct packed);
MAP(with_packed_inside, struct packed, struct holds_packed);
MAP(with_packed_bits, struct packed_bits, struct packed_bits);
MAP(with_nameless, struct address_key, struct nameless);
MAP(with_nameless_bits, struct bits, struct nameless_bits);
MAP(with_numbers, enum mood, struct numbers);
MAP(with_rows, enum distance, struct rows);
MAP(with_chain, struct chain *, struct chain);
MAP(with_keywords, bool, struct keywords);
MAP(with_flexible, char, struct flexible);
MAP(with_unions, union any_bits, struct unions);
MAP(with_line, __int128, struct line);
MAP(with_many, double, struct many);
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, struct {
		__u16 a;
		__u64 b;
	});
	struct {
		struct {
			__u8 c;
		} d;
		enum { OFF, ON } e;
	} *value;
} with_own SEC(".maps");

union any any = {.number = 1};
struct bits bits[2][3] = {};
const volatile struct keywords keywords = {};
enum { IDLE, BUSY } state = IDLE;
struct point *where = 0;
long long_number = 0;
struct {
	__u64 a;
	__u8 b;
} nameless_variable = {};

SEC("socket")
int looks(struct __sk_buff *skb)
{
	return any.number + state + (where != 0) + long_number + nameless_variable.b;
}

const char _license[] SEC("license") = "GPL";
