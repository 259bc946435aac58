"""What keeps visitors and the site safe: headers, hosts, sizes, rates, cookies, no forged requests."""
