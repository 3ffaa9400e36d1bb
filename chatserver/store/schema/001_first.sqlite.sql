-- The first schema. Ids are 16 bytes, hashes and commitments 32, times milliseconds since the epoch.
-- `*_box` columns of cold tables are encrypted under the column key. Foreign keys are checked at the end of a unit,
-- so that its changes may stand in any order. The hot tables (accepted, fate, mailbox, event, feed) carry none.

-- The organisation. One row a store.
create table tenant (
  id         blob    not null primary key check (length(id) = 16),
  epoch      blob    not null check (length(epoch) = 16), -- zero at first, drawn anew by each restore
  created_at integer not null
) strict, without rowid;

-- A person.
create table account (
  tenant      blob    not null references tenant (id),
  id          blob    not null check (length(id) = 16),
  role        text    not null,
  name_key    blob    not null, -- keyed hash of the sign-in name: finds it, does not tell it
  name_box    blob    not null, -- the sign-in name
  alias_box   blob    not null, -- the name that others see
  salt        blob    not null, -- login salt, made by the client
  verifier    text    not null, -- argon2id PHC string
  created_at  integer not null,
  disabled_at integer,          -- no sign-in from then on
  primary key (tenant, id)
) strict, without rowid;
create unique index account_name on account (tenant, name_key);

-- A code that makes one account.
create table invitation (
  tenant     blob    not null references tenant (id),
  id         blob    not null check (length(id) = 16),
  code_hash  blob    not null,
  role       text    not null,
  alias_box  blob    not null,
  created_at integer not null,
  expires_at integer not null,
  account    blob,             -- who used it; null while open
  used_at    integer,
  primary key (tenant, id),
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;
create unique index invitation_code on invitation (tenant, code_hash);

create table device (
  tenant     blob    not null references tenant (id),
  id         blob    not null check (length(id) = 16), -- hash of device_pk
  account    blob    not null,
  device_pk  blob    not null check (length(device_pk) = 32),
  name_box   blob    not null,
  added_at   integer not null,
  removed_at integer,                       -- off its account's list from then on
  owner      blob,                          -- node that holds its socket
  generation integer not null default 0,    -- counts claims: the newest owner wins
  seen_at    integer,                       -- last claim
  primary key (tenant, id),
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;
create index device_account on device (tenant, account);

-- Every version of every account's signed device list.
create table device_list (
  tenant       blob    not null references tenant (id),
  account      blob    not null,
  version      integer not null check (version > 0),
  list_hash    blob    not null check (length(list_hash) = 32),
  body         blob    not null,            -- the signed statement
  published_at integer not null,
  primary key (tenant, account, version),
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;

-- Devices that ask to be linked to an account (CRYPTO section 9): they are on no list yet and can say no hello.
create table link (
  tenant     blob    not null references tenant (id),
  device     blob    not null check (length(device) = 16), -- hash of device_pk
  account    blob    not null,
  device_pk  blob    not null check (length(device_pk) = 32),
  name_box   blob    not null,              -- encrypted column
  asked_at   integer not null,              -- ms
  expires_at integer not null,              -- ms
  list       blob,                          -- the signed list that has the device, once another device signed it
  primary key (tenant, device),
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;
create index link_account on link (tenant, account);
create index link_expiry on link (tenant, expires_at);

create table bundle (
  tenant      blob    not null references tenant (id),
  device      blob    not null,
  use         integer not null,             -- 0 opens mail, 1 opens one call's signals
  scope       blob    not null check (length(scope) = 16), -- zero for mail, else the call
  key_no      integer not null,
  box_pk      blob    not null check (length(box_pk) = 32),
  body        blob    not null,             -- the signed statement
  created_at  integer not null,
  expires_at  integer not null,
  replaced_at integer,                      -- stamp of the server; null while newest
  primary key (tenant, device, use, scope, key_no),
  foreign key (tenant, device) references device (tenant, id) deferrable initially deferred
) strict, without rowid;
create unique index bundle_box_key on bundle (tenant, box_pk) where use = 0; -- one box key in two devices is refused

create table conversation (
  tenant     blob    not null references tenant (id),
  id         blob    not null check (length(id) = 16),
  purpose    text    not null,              -- purpose of use, a code
  created_at integer not null,
  primary key (tenant, id)
) strict, without rowid;

create table member (
  tenant          blob    not null references tenant (id),
  conversation    blob    not null,
  account         blob    not null,
  first_joined_at integer not null,
  joined_at       integer not null,         -- of the present or last stay
  left_at         integer,                  -- null while present
  primary key (tenant, conversation, account),
  foreign key (tenant, conversation) references conversation (tenant, id) deferrable initially deferred,
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;
create index member_account on member (tenant, account);

create table session (
  tenant     blob    not null references tenant (id),
  id         blob    not null check (length(id) = 16),
  token_hash blob    not null,
  account    blob    not null,
  created_at integer not null,
  active_at  integer not null,              -- last act of the person
  ends_at    integer not null,              -- absolute limit
  ended_at   integer,
  primary key (tenant, id),
  foreign key (tenant, account) references account (tenant, id) deferrable initially deferred
) strict, without rowid;
create unique index session_token on session (tenant, token_hash);
create index session_account on session (tenant, account);

-- Single-use: taking one deletes it. A ticket that names an unknown device is worth nothing.
create table ticket (
  tenant     blob    not null references tenant (id),
  hash       blob    not null,
  session    blob    not null,
  device     blob    not null,
  expires_at integer not null,
  primary key (tenant, hash),
  foreign key (tenant, session) references session (tenant, id) deferrable initially deferred
) strict, without rowid;
create index ticket_session on ticket (tenant, session);
create index ticket_age on ticket (tenant, expires_at);

create trigger session_ended after update of ended_at on session when new.ended_at is not null begin
  delete from ticket where tenant = new.tenant and session = new.id;
end;

-- The ledger: the sends of a device that lie in its window, send n in slot n mod 256.
create table accepted (
  tenant      blob    not null,
  device      blob    not null,             -- sender
  slot        integer not null,
  n           integer not null,
  c           blob    not null,             -- commitment
  accepted_at integer not null,
  held        integer not null,             -- boxes that were only in memory when last written
  primary key (tenant, device, slot)
) strict, without rowid;

-- What became of a send for one person, from the first stored box until the sender knows.
create table fate (
  tenant  blob    not null,
  sender  blob    not null,                 -- device
  n       integer not null,
  account blob    not null,                 -- recipient
  outcome integer not null,                 -- FateOutcome
  at      integer not null,
  primary key (tenant, sender, n, account)
) strict, without rowid;
create index fate_age on fate (tenant, at);

-- The boxes that wait. Sizes stand in an index beside the order, so that a page is cut without reading a box.
create table mailbox (
  seq         integer primary key autoincrement, -- orders a mailbox; no number comes twice
  tenant      blob    not null,
  device      blob    not null,             -- recipient
  sender      blob    not null,             -- device
  n           integer not null,
  scope       blob    not null,             -- conversation
  c           blob    not null,             -- commitment
  accepted_at integer not null,
  kid         integer not null,             -- stamp key
  t           blob    not null,             -- stamp
  key_no      integer not null,             -- key of the recipient
  size        integer not null check (size > 0), -- bytes that count against window and quota
  expires_at  integer not null,
  box         blob    not null
) strict;
create unique index mailbox_send on mailbox (tenant, device, sender, n);
create index mailbox_order on mailbox (tenant, device, seq, size);
create index mailbox_age on mailbox (tenant, expires_at);

-- One audit log a kind of writer: a commit of unknown outcome is found again by its leaf, or by its mark.
create table shard (
  tenant blob    not null references tenant (id),
  id     blob    not null check (length(id) = 16),
  name   text    not null,                  -- kind of writer
  epoch  blob    not null check (length(epoch) = 16), -- of the tenant when the shard was opened
  mark   integer not null default 0,        -- random, of the last batch without an event
  primary key (tenant, id)
) strict, without rowid;
create unique index shard_name on shard (tenant, name, epoch);

create table event (
  tenant blob    not null,
  shard  blob    not null,
  idx    integer not null,                  -- 0, 1, 2... in its shard
  entry  blob    not null,                  -- names the leaf before it
  leaf   blob    not null check (length(leaf) = 32),
  primary key (tenant, shard, idx)
) strict, without rowid;

create table feed (
  number  integer primary key,              -- gapless, in commit order of all writers
  tenant  blob    not null,
  topic   integer not null,                 -- Topic
  subject blob    not null check (length(subject) = 16)
) strict;

-- What the planner must know: a store has one tenant, so `tenant` alone finds nothing. Rows, then rows per equal prefix.
analyze;
insert into sqlite_stat1 (tbl, idx, stat) values
  ('account',      'account',           '10000 10000 1'),
  ('account',      'account_name',      '10000 10000 1'),
  ('invitation',   'invitation',        '10000 10000 1'),
  ('invitation',   'invitation_code',   '10000 10000 1'),
  ('device',       'device',            '20000 20000 1'),
  ('device',       'device_account',    '20000 20000 2'),
  ('device_list',  'device_list',       '40000 40000 4 1'),
  ('bundle',       'bundle',            '1000000 1000000 50 50 50 1'),
  ('bundle',       'bundle_box_key',    '1000000 1000000 1'),
  ('conversation', 'conversation',      '10000 10000 1'),
  ('member',       'member',            '40000 40000 4 1'),
  ('member',       'member_account',    '40000 40000 4'),
  ('session',      'session',           '100000 100000 1'),
  ('session',      'session_token',     '100000 100000 1'),
  ('session',      'session_account',   '100000 100000 10'),
  ('ticket',       'ticket',            '1000 1000 1'),
  ('ticket',       'ticket_session',    '1000 1000 1'),
  ('ticket',       'ticket_age',        '1000 1000 1'),
  ('link',         'link',              '100 100 1'),
  ('link',         'link_account',      '100 100 2'),
  ('link',         'link_expiry',       '100 100 1'),
  ('accepted',     'accepted',          '2000000 2000000 200 1'),
  ('fate',         'fate',              '1000000 1000000 100 2 1'),
  ('fate',         'fate_age',          '1000000 1000000 2'),
  ('mailbox',      'mailbox_send',      '1000000 1000000 100 10 1'),
  ('mailbox',      'mailbox_order',     '1000000 1000000 100 1 1'),
  ('mailbox',      'mailbox_age',       '1000000 1000000 1'),
  ('event',        'event',             '10000000 10000000 5000000 1'),
  ('shard',        'shard',             '10 10 1'),
  ('shard',        'shard_name',        '10 10 2 1'),
  ('feed',         null,                '100000');
analyze sqlite_schema;
