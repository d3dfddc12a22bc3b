"""Medians, ratios, tables and limits."""
import statistics


def parse_limits(text):
    """'small=0.90,idle=4600B' as {'small': (0.90, False), 'idle': (4600.0, True)}; True: absolute."""
    limits = {}
    for item in filter(None, text.split(',')):
        name, separator, limit = item.partition('=')
        try:
            limits[name] = (float(limit.removesuffix('B')), limit.endswith('B'))
        except ValueError:
            raise ValueError(f'--require: {item} is not NAME=LIMIT') from None
    return limits


def summarise(results, subject, reference):
    """Adds median, range and the ratios to `reference` and to the best peer (the best but for the subject).

    Where each round measured something beside, the ratio is to that of the same proxy, not to the reference."""
    for row in results.values():
        figures = [measured['figure'] for measured in row['rounds']]
        if figures:
            row.update(median=statistics.median(figures), lowest=min(figures), highest=max(figures))
    peers = [row for name, row in results.items() if name != subject and 'median' in row]
    best_peer = min(peers, key=lambda row: row['median'], default=None)
    for row in results.values():
        if 'median' in row:
            row['ratio_to_own'] = ratio_to_own(row)
            row['ratio_to_reference'] = row['ratio_to_own'] or paired_ratio(row, results.get(reference))
            row['ratio_to_best_peer'] = paired_ratio(row, best_peer)
    return results


def ratio_to_own(row):
    ratios = [measured['figure'] / measured['beside'] for measured in row['rounds'] if measured.get('beside')]
    return statistics.median(ratios) if ratios else None


def paired_ratio(row, other):
    """The median of the ratios within each round: the machine's speed drifts, but little within a round."""
    others = {measured['round']: measured['figure'] for measured in other['rounds']} if other else {}
    ratios = [measured['figure'] / others[measured['round']] for measured in row['rounds']
              if others.get(measured['round'], 0) > 0]
    return statistics.median(ratios) if ratios else None


def print_table(scenario, unit, results, reference):
    is_memory = 'bytes' in unit
    digits = 0 if is_memory else 2
    print(f'\n{scenario}: {unit}')
    particulars = (f'{"empty KiB":>12}' if is_memory else
                   f'{"per second":>12}{"core used":>11}{"p50 us":>9}{"p99 us":>9}')
    print(f'  {"proxy":10}{"median":>10}{"min..max":>18}{"of " + reference:>10}{"of best peer":>14}'
          f'{particulars}  rounds')
    for name, row in sorted(results.items(), key=lambda item: item[1].get('median', float('inf'))):
        if 'median' in row:
            spread = f'{row["lowest"]:,.{digits}f}..{row["highest"]:,.{digits}f}'
            line = (f'  {name:10}{row["median"]:>10,.{digits}f}{spread:>18}'
                    f'{ratio(row["ratio_to_reference"]):>10}{ratio(row["ratio_to_best_peer"]):>14}')
            if is_memory:
                line += f'{middle(row, "empty_bytes") / 1024:>12,.0f}'
            else:
                line += (f'{middle(row, "rate"):>12,.0f}{middle(row, "utilisation"):>10.0%} '
                         f'{middle(row, "p50_us"):>9,.0f}{middle(row, "p99_us"):>9,.0f}')
            print(f'{line}{len(row["rounds"]):>8}')
        for error in dict.fromkeys(row['errors']):
            print(f'  {name:10}ERROR ({row["errors"].count(error)}x): {error}')
    print(end='', flush=True)


def middle(row, key):
    return statistics.median(measured[key] for measured in row['rounds'])


def ratio(value):
    return '-' if value is None else f'{value:.2f}'


def print_limits(limits, results, subject, reference):
    """True when every limit was measured without an error and is kept."""
    is_within = True
    if limits:
        print(f'\nlimits for {subject}')
    for name, (limit, is_absolute) in limits.items():
        row = results.get(name, {}).get(subject, {})
        value = row.get('median') if is_absolute else row.get('ratio_to_reference')
        verdict = 'not measured' if value is None or row['errors'] else 'ok' if value <= limit else 'EXCEEDED'
        is_within = is_within and verdict == 'ok'
        shown = '-' if value is None else f'{value:,.0f}' if is_absolute else f'{value:.3f}'
        than = 'its own' if row.get('ratio_to_own') else reference
        allowed = f'{limit:,.0f} bytes' if is_absolute else f'{limit:.2f} of {than}'
        print(f'  {name:14}{shown:>10}  at most {allowed:20}{verdict}')
    return is_within
