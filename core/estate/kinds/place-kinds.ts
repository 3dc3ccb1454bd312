import { Type } from "typebox";
import { address, cidr, closedObject, nameOf, operatingState, range, text } from "./fields.ts";

export const citySpec = closedObject({});

export const idcSpec = closedObject({
  city: nameOf("the city that it is in"),
});

export const areaSpec = closedObject({
  external: Type.Boolean({
    description:
      "whether the default route of an instance with several NICs leaves by this area's (true for `dmz` and `ecn`, false for `core`)",
  }),
  prefixes: Type.Optional(
    Type.Array(cidr("IPv4 network"), {
      maxItems: 256,
      description: "networks that an instance with several NICs reaches by this area's NIC; they may overlap subnets",
    }),
  ),
});

export const rackSpec = closedObject({
  idc: nameOf("the IDC that it stands in"),
  state: Type.Optional(operatingState),
  switch: Type.Optional(text(128, "the top-of-rack switch, as the network team calls it")),
});

export const subnetSpec = closedObject({
  rack: nameOf("the rack whose switch is its gateway"),
  area: nameOf("the network area"),
  cidr: cidr("the IPv4 network, such as 10.71.1.0/24; overlaps no other subnet"),
  gateway: address("the address of the rack's switch in it"),
  fixed: Type.Optional(range("addresses that WCS gives to instances, such as 10.71.1.100-10.71.1.199; absent: none")),
  dynamic: Type.Optional(range("addresses that hosts give to pods without a fixed one; absent: none")),
  conflictProbe: Type.Optional(
    Type.Boolean({
      description: "whether an address is probed by ARP before a pod gets it; true unless it says false",
    }),
  ),
});
