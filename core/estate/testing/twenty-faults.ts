/** A file over the small estate with twenty faults of twenty kinds; `# FAULT code` stands on the line that the message must name. */
export const twentyFaults = `# an estate that somebody wrote in a hurry
kind: Citty                                  # FAULT kind-unknown
name: shanghai
---
kind: IDC
name: idc3
spec:
  citty: shenzhen                            # FAULT field-unknown
  city: shenzhen
---
kind: Rack
name: Idc1_R2                                # FAULT name-malformed
spec: { idc: idc1 }
---
kind: Rack
name: idc1-r3
spec:
  idc: idc9                                  # FAULT reference-missing
---
kind: Subnet
name: idc1-r1-dmz
spec:
  rack: idc1-r1
  area: dmz
  cidr: 10.71.1.128/25                       # FAULT cidr-overlaps
  gateway: 10.71.2.254                       # FAULT gateway-outside
  fixed: 10.71.1.240-10.71.2.10              # FAULT range-outside
---
kind: Subnet
name: idc2-r1-dmz
spec:
  rack: idc2-r1
  area: dmz
  cidr: 10.72.129.0/24
  gateway: 10.72.129.254
  fixed: 10.72.129.100-10.72.129.199
  dynamic: 10.72.129.20-10.72.129.120        # FAULT ranges-overlap
---
kind: Subnet
name: idc2-r1-six
spec:
  rack: idc2-r1
  area: core
  cidr: 2001:db8::/64                        # FAULT ipv6-unsupported
  gateway: 10.72.130.254
---
kind: Subsystem
name: "0202"
spec:
  system: savings
  importance: E                              # FAULT choice-unknown
  owner: wang-wei
---
kind: Subsystem
name: 0303                                   # FAULT type-wrong
spec: { system: savings, importance: B, owner: wang-wei }
---
kind: Host
name: idc1-h2
spec:                                        # FAULT field-missing
  rack: idc1-r1
  addresses: { core: 10.71.1.2 }
---
kind: Host
name: idc1-h3
spec:
  rack: idc1-r1
  cluster: idc2-c1                           # FAULT host-cluster-idc
  addresses:
    core: 10.71.1.1                          # FAULT address-taken
  capacity:
    cpuMilli: 32000
    memoryMiB: 65536
---
kind: Host
name: idc1-h4
spec:
  rack: idc1-r1
  addresses: { core: 10.71.1.150 }           # FAULT address-in-range
  capacity: { cpuMilli: 32000, memoryMiB: 65536 }
---
kind: Host
name: idc1-h5
spec:
  rack: idc1-r1
  addresses: { core: 10.71.1.5 }
  capacity:
    cpuMilli: 0                              # FAULT number-out-of-range
    memoryMiB: 65536
---
kind: Pool
name: shared-1
spec:
  environment: production
  quotas:                                    # FAULT guarantees-exceed-pool
    retail:
      guarantee: { cpuMilli: 60000, memoryMiB: 65536 }
      limit: { cpuMilli: 64000, memoryMiB: 131072 }
---
kind: Class
name: 2C4G
spec:
  cpuMilli: 2000
  memoryMiB: 8192                            # FAULT class-name-size
---
kind: DCN
name: 2C1
spec:
  group: 1C                                  # FAULT dcn-name-group
  idc: idc1
  idc: idc3                                  # FAULT duplicate-key
  environment: production
  role: standby
`;
